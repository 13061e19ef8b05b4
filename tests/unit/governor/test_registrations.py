"""A proposal about a model whose registration is on its way waits for it, and not for ever."""

from typing import Any

from tests.unit.governor.driver import EMITTER, SCOPE, GovernorDriver, proposal, verdict
from tests.unit.governor.emits import data_of, one

from homeostat.events import ActionRequested, EventRefused, ModelRegistered, Range, RetrainStart, RulesSet, VerdictGiven
from homeostat.services.governor.settings import GovernorSettings

NEW = "acme/camera-9"
WINDOW = Range(log="l", subject=NEW, source="/s", first="1.0", last="2.0", from_time=0, rows=80)
ABOUT: dict[str, Any] = {"model": NEW, "window": WINDOW}
WAIT_MS = GovernorSettings().registration_wait_ms


def test_a_proposal_waits_for_the_registration_of_its_model(court: GovernorDriver) -> None:
    """Then it is decided on, under its own id and in its own story; the command names the verdict as it is."""
    court.law(RulesSet(scope=SCOPE), "olga", subject=SCOPE)
    action, said = court.propose(**ABOUT)
    assert said == []
    court.now += WAIT_MS - 1

    emits = court.tell(ModelRegistered(family="others", champion="v0", model="acme/else"))
    assert not data_of(emits, VerdictGiven)
    emits = court.register(model=NEW)

    assert (verdict(emits).action, verdict(emits).verdict) == (action, "approved")
    assert {emit.story for emit in emits} == {"story"}
    place = next(n for n, emit in enumerate(emits) if isinstance(emit.data, VerdictGiven))
    assert one(emits, RetrainStart).verdict == f"{EMITTER}#{court.offset}.{place}"
    assert court.state.flight.waiting == {} == court.state.flight.awaited


def test_the_verdict_is_named_right_behind_what_a_new_family_is_told(court: GovernorDriver) -> None:
    """A registration may say other things first."""
    court.law(RulesSet(scope=SCOPE), "olga", subject=SCOPE)
    court.propose(model=NEW, window=WINDOW, family="acme/fresh")

    emits = court.register(model=NEW, family="fresh")

    place = next(n for n, emit in enumerate(emits) if isinstance(emit.data, VerdictGiven))
    assert place > 0
    assert one(emits, RetrainStart).verdict == f"{EMITTER}#{court.offset}.{place}"


def test_without_a_registration_it_is_denied_after_some_seconds(court: GovernorDriver) -> None:
    """With the reason; one that comes later changes nothing."""
    action, _ = court.propose(**ABOUT)
    due = court.fold.wake_at(court.state)
    assert due == court.now + WAIT_MS

    emits = court.tick(due)

    assert (verdict(emits).action, verdict(emits).verdict) == (action, "denied")
    failing = {rule.rule: rule.reason for rule in verdict(emits).rules if not rule.passed}
    assert failing["known_model"] == "the model is not registered"
    assert not data_of(court.register(model=NEW), VerdictGiven)
    assert court.fold.wake_at(court.state) is None


def test_a_persons_request_waits_too(court: GovernorDriver) -> None:
    """Whoever may not ask is told at once."""
    asked = ActionRequested.model_validate(dict(proposal(**ABOUT)))
    action, said = court.ask(asked)
    assert said == []
    assert one(court.ask(asked, "ada")[1], EventRefused).reason == "role_missing"

    emits = court.register(model=NEW, tier="high")

    assert (verdict(emits).action, verdict(emits).verdict) == (action, "held")
    assert court.state.flight.actions[action].requester == "olga"


def test_what_waits_is_decided_in_the_order_in_which_it_came(court: GovernorDriver) -> None:
    """The first one gets the model."""
    actions = [court.propose(**ABOUT)[0] for _ in range(3)]

    emits = court.register(model=NEW)

    said = {emit.data.action: emit.data.verdict for emit in emits if isinstance(emit.data, VerdictGiven)}
    assert list(said.items()) == list(zip(actions, ["approved", "denied", "denied"], strict=True))


def test_what_waits_is_bounded_in_each_scope() -> None:
    """What comes beyond is decided on at once: there is no model."""
    court = GovernorDriver(GovernorSettings(waiting_proposals=2))

    said = [court.propose(**ABOUT)[1] for _ in range(3)]

    assert [len(emits) for emits in said] == [0, 0, 2]
    assert verdict(said[2]).verdict == "denied"
    assert len(court.state.flight.waiting) == 2
