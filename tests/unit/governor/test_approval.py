"""Four eyes, freezes, emergencies."""

import pytest
from tests.unit.governor.driver import SCOPE, START_MS, GovernorDriver, money, proposal, verdict
from tests.unit.governor.emits import one
from tests.unit.governor.freezing import freeze, lift
from tests.unit.governor.refusals import refused as reason_of

from homeostat.events import (
    ActionRequested,
    ApprovalDenied,
    ApprovalGiven,
    Data,
    RetrainStart,
    RoleGranted,
    RolloutPromote,
    RolloutSet,
    RulesSet,
)


@pytest.fixture
def court() -> GovernorDriver:
    """A model whose changes wait for a person."""
    court = GovernorDriver(model_tier="high")
    court.law(RoleGranted(principal="olga", role="approver", scope=SCOPE))
    return court


def say(court: GovernorDriver, data: Data, name: str) -> list[object]:
    """A person's signed word; the payloads it led to."""
    return [emit.data for emit in court.tell(court.signed(data, name))]


def refused(court: GovernorDriver, data: Data, name: str) -> str:
    """Reason of a refusal."""
    return reason_of(court, court.signed(data, name))


def test_a_held_action_reserves_nothing_and_begins_with_a_yes(court: GovernorDriver) -> None:
    """Its time begins with the approval."""
    action, emits = court.propose()
    assert (verdict(emits).verdict, verdict(emits).rules[-1].rule) == ("held", "approval")
    assert money(court) == (0.0, 0.0)
    court.now += 1000

    said = court.tell(court.signed(ApprovalGiven(action=action), "ada"))

    assert verdict(said).verdict == "approved"
    assert one(said, RetrainStart).expires_at == court.now + 604_800_000
    assert one(said, RetrainStart).is_emergency is False
    assert money(court) == (5.0, 0.0)


def test_a_no_ends_it(court: GovernorDriver) -> None:
    """With the reason, and the person as the rule's value."""
    action, _ = court.propose()

    emits = court.tell(court.signed(ApprovalDenied(action=action, reason="stocktaking"), "ada"))

    assert verdict(emits).verdict == "denied"
    assert [(rule.value, rule.reason) for rule in verdict(emits).rules] == [("ada", "stocktaking")]
    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"
    assert money(court) == (0.0, 0.0)


def test_nobody_answers_in_time(court: GovernorDriver) -> None:
    """It expires, without a command, free of charge."""
    action, _ = court.propose(ttl_ms=500)

    emits = court.tick(START_MS + 500)

    assert verdict(emits).verdict == "expired"
    assert len(emits) == 2
    assert money(court) == (0.0, 0.0)
    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"


def test_whoever_asks_does_not_approve(court: GovernorDriver) -> None:
    """Even with the role."""
    action, emits = court.ask(ActionRequested.model_validate(dict(proposal())))
    assert verdict(emits).verdict == "held"

    assert refused(court, ApprovalGiven(action=action), "olga") == "own_request"
    assert refused(court, ApprovalGiven(action=action, is_emergency=True), "olga") == "own_request"


def test_an_approval_needs_the_role_of_an_approver() -> None:
    """An operator is none."""
    court = GovernorDriver(model_tier="high")
    action, _ = court.propose()

    assert refused(court, ApprovalGiven(action=action), "olga") == "role_missing"
    assert refused(court, ApprovalDenied(action=action), "olga") == "role_missing"


def test_an_action_that_does_not_wait_cannot_be_approved() -> None:
    """It is running, or nobody knows it."""
    court = GovernorDriver()
    action, _ = court.propose()

    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"
    assert refused(court, ApprovalGiven(action="x#1"), "ada") == "action_unknown"


def test_a_yes_that_the_rules_stop_may_come_again(court: GovernorDriver) -> None:
    """It stays held; the same person may approve it when the rule passes."""
    action, _ = court.propose()
    freeze(court)
    emits = court.tell(court.signed(ApprovalGiven(action=action), "ada"))
    assert verdict(emits).verdict == "held"
    assert [rule.rule for rule in verdict(emits).rules if not rule.passed] == ["freeze"]
    lift(court)

    assert verdict(court.tell(court.signed(ApprovalGiven(action=action), "ada"))).verdict == "approved"


def test_an_emergency_needs_two_people_and_goes_through_a_freeze(court: GovernorDriver) -> None:
    """All the way: no freeze holds its later steps, and its commands say so to the hands."""
    action, _ = court.propose()
    freeze(court)
    yes = ApprovalGiven(action=action, is_emergency=True)

    assert say(court, yes, "ada") == []
    assert refused(court, yes, "ada") == "approved_twice"
    emits = court.tell(court.signed(yes, "ben"))

    assert (verdict(emits).verdict, verdict(emits).is_emergency) == ("approved", True)
    assert one(emits, RetrainStart).is_emergency
    first = one(court.train(action, "warm", "head"), RolloutSet)
    assert first.is_emergency
    court.apply(first, "set")
    assert one(court.judge(action, "promote"), RolloutPromote).is_emergency


def test_an_emergency_passes_no_other_rule(court: GovernorDriver) -> None:
    """It stays held, and the second person may say yes again."""
    action, _ = court.propose()
    court.law(RulesSet(scope=SCOPE, max_in_flight=0), "olga", subject=SCOPE)
    freeze(court)
    yes = ApprovalGiven(action=action, is_emergency=True)
    say(court, yes, "ada")

    emits = court.tell(court.signed(yes, "ben"))

    assert verdict(emits).verdict == "held"
    assert [rule.rule for rule in verdict(emits).rules if not rule.passed] == ["concurrency"]
    assert verdict(emits).is_emergency is False
    court.law(RulesSet(scope=SCOPE), "olga", subject=SCOPE)
    assert verdict(court.tell(court.signed(yes, "ben"))).is_emergency


def test_a_single_emergency_voice_does_not_count_as_an_approval_of_two_kinds(court: GovernorDriver) -> None:
    """One emergency and one ordinary yes are an ordinary approval: no way through a freeze."""
    action, _ = court.propose()
    freeze(court)
    say(court, ApprovalGiven(action=action, is_emergency=True), "ada")

    emits = court.tell(court.signed(ApprovalGiven(action=action), "ben"))

    assert verdict(emits).verdict == "held"


def test_what_a_person_asks_for_in_a_freeze_waits_for_two() -> None:
    """The learner's proposal is denied, a person's request may be an emergency, if nothing else forbids it."""
    court = GovernorDriver()
    freeze(court)
    action, emits = court.ask(ActionRequested.model_validate(dict(proposal())))
    assert (verdict(emits).verdict, verdict(emits).rules[-1].limit) == ("held", "two people")
    assert verdict(court.ask(ActionRequested.model_validate(dict(proposal(champion="v9"))))[1]).verdict == "denied"
    yes = ApprovalGiven(action=action, is_emergency=True)

    say(court, yes, "ada")

    assert verdict(court.tell(court.signed(yes, "ben"))).verdict == "approved"


@pytest.mark.parametrize(
    ("proposed", "model", "held"), [("low", "low", False), ("medium", "low", True), ("low", "high", True)]
)
@pytest.mark.parametrize("chosen", ["warm", "skip"])
def test_the_higher_of_two_tiers_decides(proposed: str, model: str, held: bool, chosen: str) -> None:
    """That of the proposal and that of the model; a skip waits for nobody."""
    court = GovernorDriver(model_tier=model)
    court.law(RulesSet(scope=SCOPE, approval_tiers=("medium", "high")), "olga", subject=SCOPE)

    _, emits = court.propose(tier=proposed, chosen=chosen)

    assert verdict(emits).verdict == ("held" if held and chosen != "skip" else "approved")
