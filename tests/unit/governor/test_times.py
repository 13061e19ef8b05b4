"""Every time comes from the rules, and a family may have its own."""

from typing import Any

import pytest
from tests.unit.governor.driver import FAMILY, SCOPE, GovernorDriver, verdict
from tests.unit.governor.emits import one

from homeostat.events import (
    ApprovalGiven,
    Arm,
    FamilyRules,
    MetaTraining,
    MetaTrainingStart,
    Plan,
    Range,
    RetrainStart,
    RulesSet,
)
from homeostat.services.governor.settings import GovernorSettings

HOUR_MS = 3_600_000


def court_of(tier: str = "low", **rules: Any) -> GovernorDriver:
    """A scope with rules."""
    court = GovernorDriver(model_tier=tier)
    court.law(RulesSet(scope=SCOPE, **rules), "olga", subject=SCOPE)
    return court


def times(name: str, value: Any) -> list[dict[str, Any]]:
    """The same said of the scope, of the family, and of the family against the scope."""
    family = {"families": {"cameras": FamilyRules(**{name: value})}}
    return [{name: value}, family, family | {name: 2 * value}]


@pytest.mark.parametrize("rules", times("action_ttl_ms", 9 * HOUR_MS))
def test_an_action_lives_as_long_as_the_rules_say(rules: dict[str, Any]) -> None:
    """A proposer that does not know does not shorten it; one that asks for less gets less, and never more."""
    for asked, hours in ((None, 9), (HOUR_MS, 1), (99 * HOUR_MS, 9)):
        court = court_of(**rules)

        start = one(court.propose(ttl_ms=asked)[1], RetrainStart)

        assert start.expires_at == court.now + hours * HOUR_MS


@pytest.mark.parametrize("rules", times("approval_ttl_ms", 72 * HOUR_MS))
def test_a_held_action_waits_as_long_as_the_rules_say(rules: dict[str, Any]) -> None:
    """Its life begins with the approval."""
    court = court_of("high", **rules)
    action, emits = court.propose()
    assert verdict(emits).expires_at == court.now + 72 * HOUR_MS
    court.now += 71 * HOUR_MS

    said = court.tell(court.signed(ApprovalGiven(action=action), "ada"))

    assert one(said, RetrainStart).expires_at == court.now + RulesSet().action_ttl_ms


@pytest.mark.parametrize("rules", times("arm_timeout_seconds", 7200.0))
def test_an_arm_may_train_as_long_as_the_rules_say(rules: dict[str, Any]) -> None:
    """Two hours, if they say so."""
    court = court_of(**rules)

    assert one(court.propose()[1], RetrainStart).timeout_seconds == 7200.0


@pytest.mark.parametrize("rules", times("meta_training_timeout_seconds", 7200.0))
def test_a_meta_training_may_take_as_long_as_the_rules_say(rules: dict[str, Any]) -> None:
    """And no longer."""
    court = court_of(**rules)

    assert one(begin_meta_training(court), MetaTrainingStart).timeout_seconds == 7200.0


@pytest.mark.parametrize(
    ("name", "value", "planned"),
    [("soak_labels", 7, 7), ("horizon_labels", 900, 900), ("soak_seconds", 60.0, 60.0)],
)
def test_soak_and_horizon_are_those_of_the_rules(name: str, value: Any, planned: Any) -> None:
    """Of the family before those of the scope; what they do not name is as proposed."""
    for rules in times(name, value):
        court = court_of(**rules)

        plan = one(court.propose()[1], RetrainStart).plan

        assert getattr(plan, name) == planned
        assert plan.label_limit == max(Plan().label_limit, plan.horizon_labels)
    assert one(court_of().propose()[1], RetrainStart).plan == Plan(steps=(0.1, 0.5))


def test_a_soak_in_time_may_be_longer_than_the_rules_say_and_not_shorter() -> None:
    """It is a guard."""
    court = court_of(soak_seconds=60.0)
    longer = one(court.propose(plan=Plan(soak_seconds=90.0))[1], RetrainStart).plan

    assert longer.soak_seconds == 90.0


def test_what_is_said_of_a_family_is_said_of_no_other() -> None:
    """Names are whole."""
    rules = RulesSet(families={"camera": FamilyRules(cooldown_ms=5)}, cooldown_ms=7)

    assert rules.of_family("acme/cameras") == rules.of_family("camera/cameras") == rules
    assert rules.of_family("acme/camera").cooldown_ms == 5


def test_a_cooldown_and_a_rate_may_be_a_familys_own() -> None:
    """They are looked at like those of the scope."""
    own = FamilyRules(cooldown_ms=10_000, max_actions=1, rate_window_ms=20_000)
    court = court_of(families={"cameras": own}, cooldown_ms=10**9, max_actions=50)
    action, _ = court.propose()
    court.train(action, failed=["warm", "head"])
    court.fail(action, "retrain", "all_arms_failed")

    def failing() -> list[str]:
        return [rule.rule for rule in verdict(court.propose()[1]).rules if not rule.passed]

    assert failing() == ["rate", "cooldown"]
    court.now += 10_000
    assert failing() == ["rate"]
    court.now += 10_000
    assert failing() == []


def begin_meta_training(court: GovernorDriver) -> list[Any]:
    """Propose to learn initial weights."""
    window = Range(log="t", subject=FAMILY, source="/s", first="1.0", last="2.0", from_time=0, rows=9)
    return court.propose(
        kind="meta_training",
        model=None,
        champion=None,
        chosen="maml",
        arms=(Arm(name="maml"),),
        shadows=(),
        window=window,
        meta_training=MetaTraining(window=window),
        money=0.0,
    )[1]


def test_meta_trainings_have_a_rate() -> None:
    """Of their own: they use up no model's, and a family's is not another's."""
    court = court_of(max_meta_trainings=3, max_actions=1)
    said = list[str]()

    for _ in range(5):
        emits = begin_meta_training(court)
        said.append(verdict(emits).verdict)
        court.settle(verdict(emits).action, "done", "meta_training", cost=0.0)

    assert said == ["approved"] * 3 + ["denied"] * 2
    assert verdict(court.propose()[1]).verdict == "approved"
    court.now += RulesSet().rate_window_ms
    assert verdict(begin_meta_training(court)).verdict == "approved"


def test_the_time_outs_are_no_settings_of_the_governor() -> None:
    """Another value is another rule, not another version."""
    assert not [name for name in GovernorSettings.__dataclass_fields__ if "timeout" in name]
