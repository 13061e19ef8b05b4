"""Which starts count in the rate of their kind."""

from tests.unit.governor.driver import MODEL, SCOPE, GovernorDriver, verdict
from tests.unit.governor.emits import one

from homeostat.events import Range, Rollout, RulesSet


def test_the_starts_remembered_are_as_many_as_the_rate_counts(court: GovernorDriver) -> None:
    """A rule of 150 actions is a rule of 150 actions."""
    court.law(RulesSet(scope=SCOPE, max_actions=150, cooldown_ms=0), "olga", subject=SCOPE)

    said = list[str]()
    for _ in range(151):
        action, emits = court.propose(money=0.0)
        said.append(verdict(emits).verdict)
        court.train(action, failed=["warm", "head"])
        court.settle(action, "failed")

    assert said == ["approved"] * 150 + ["denied"]


def test_a_skip_neither_uses_up_rates_nor_waits_nor_makes_wait(court: GovernorDriver) -> None:
    """Nothing is started: a window without a label, a cooldown, an action in flight and a full rate are no matter."""
    court.law(RulesSet(scope=SCOPE, max_actions=1, cooldown_ms=60_000), "olga", subject=SCOPE)
    empty = Range(log="l", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=0)

    def skip() -> str:
        return verdict(court.propose(chosen="skip", shadows=(), window=empty)[1]).verdict

    before = [skip() for _ in range(3)]
    action, emits = court.propose()
    during = skip()
    court.train(action, failed=["warm", "head"])
    court.settle(action, "failed")
    after = skip()

    assert verdict(emits).verdict == "approved"
    assert {*before, during, after} == {"approved"}
    assert verdict(court.propose(window=empty)[1]).verdict == "denied"


def test_a_skip_that_was_scored_makes_nobody_wait(court: GovernorDriver) -> None:
    """Its shadows were trained and counted, and nothing that serves has changed: what they say may be acted on."""
    court.law(RulesSet(scope=SCOPE, cooldown_ms=60_000), "olga", subject=SCOPE)
    action, _ = court.propose(chosen="skip")
    court.apply(one(court.train(action, "head"), Rollout), "set")
    court.settle(action, "skipped")

    assert verdict(court.propose()[1]).verdict == "approved"
