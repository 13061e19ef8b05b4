"""Four eyes, freezes, emergencies."""

import pytest
from tests.unit.governor.court import MODEL, SCOPE, START_MS, Court, about, data_of, money, one, proposal, verdict
from tests.unit.governor.court import refused as reason_of

from homeostat.events import (
    ActionFailed,
    ActionRequested,
    ApprovalDenied,
    ApprovalGiven,
    BrakeReleased,
    BrakeSet,
    Data,
    FreezeLifted,
    FreezeSet,
    RetrainStart,
    RoleGranted,
    RolloutAbort,
    RolloutPromote,
    RolloutSet,
    RulesSet,
)
from homeostat.events.logs import POLICIES


@pytest.fixture
def court() -> Court:
    """A model whose changes wait for a person."""
    court = Court(model_tier="high")
    court.law(RoleGranted(principal="olga", role="approver", scope=SCOPE))
    return court


def say(court: Court, data: Data, name: str) -> list[object]:
    """A person's signed word; the payloads it led to."""
    return [emit.data for emit in court.tell(court.signed(data, name))]


def refused(court: Court, data: Data, name: str) -> str:
    """Reason of a refusal."""
    return reason_of(court, court.signed(data, name))


def freeze(court: Court, scope: str = SCOPE) -> None:
    """Nothing new in the scope."""
    court.law(FreezeSet(scope=scope), "root", subject=scope)


def lift(court: Court, scope: str = SCOPE) -> list[object]:
    """Go on."""
    return [emit.data for emit in court.law(FreezeLifted(scope=scope), "root", subject=scope)]


def test_a_held_action_reserves_nothing_and_begins_with_a_yes(court: Court) -> None:
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


def test_a_no_ends_it(court: Court) -> None:
    """With the reason, and the person as the rule's value."""
    action, _ = court.propose()

    emits = court.tell(court.signed(ApprovalDenied(action=action, reason="stocktaking"), "ada"))

    assert verdict(emits).verdict == "denied"
    assert [(rule.value, rule.reason) for rule in verdict(emits).rules] == [("ada", "stocktaking")]
    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"
    assert money(court) == (0.0, 0.0)


def test_nobody_answers_in_time(court: Court) -> None:
    """It expires, without a command, free of charge."""
    action, _ = court.propose(ttl_ms=500)

    emits = court.tick(START_MS + 500)

    assert verdict(emits).verdict == "expired"
    assert len(emits) == 2
    assert money(court) == (0.0, 0.0)
    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"


def test_whoever_asks_does_not_approve(court: Court) -> None:
    """Even with the role."""
    action, emits = court.ask(ActionRequested(**dict(proposal())))
    assert verdict(emits).verdict == "held"

    assert refused(court, ApprovalGiven(action=action), "olga") == "own_request"
    assert refused(court, ApprovalGiven(action=action, is_emergency=True), "olga") == "own_request"


def test_an_approval_needs_the_role_of_an_approver() -> None:
    """An operator is none."""
    court = Court(model_tier="high")
    action, _ = court.propose()

    assert refused(court, ApprovalGiven(action=action), "olga") == "role_missing"
    assert refused(court, ApprovalDenied(action=action), "olga") == "role_missing"


def test_an_action_that_does_not_wait_cannot_be_approved() -> None:
    """It is running, or nobody knows it."""
    court = Court()
    action, _ = court.propose()

    assert refused(court, ApprovalGiven(action=action), "ada") == "action_unknown"
    assert refused(court, ApprovalGiven(action="x#1"), "ada") == "action_unknown"


def test_a_yes_that_the_rules_stop_may_come_again(court: Court) -> None:
    """It stays held; the same person may approve it when the rule passes."""
    action, _ = court.propose()
    freeze(court)
    emits = court.tell(court.signed(ApprovalGiven(action=action), "ada"))
    assert verdict(emits).verdict == "held"
    assert [rule.rule for rule in verdict(emits).rules if not rule.passed] == ["freeze"]
    lift(court)

    assert verdict(court.tell(court.signed(ApprovalGiven(action=action), "ada"))).verdict == "approved"


def test_a_freeze_denies_proposals_and_brakes_every_policy_log() -> None:
    """On all partitions, naming the freeze; lifting it releases all of them."""
    court = Court()

    emits = court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)
    _, denied = court.propose()
    released = court.law(FreezeLifted(scope=SCOPE), "olga", subject=SCOPE)

    assert [(e.log, e.subject, e.broadcast) for e in emits] == [(log, SCOPE, True) for log in POLICIES]
    assert {b.scope for b in data_of(emits, BrakeSet)} == {SCOPE}
    assert len(set(data_of(emits, BrakeSet))) == 1
    assert verdict(denied).verdict == "denied"
    assert [(e.log, e.subject, e.broadcast) for e in released] == [(log, SCOPE, True) for log in POLICIES]
    assert len(data_of(released, BrakeReleased)) == len(POLICIES)
    assert verdict(court.propose()[1]).verdict == "approved"


def test_one_model_is_frozen_by_an_operator_of_its_scope() -> None:
    """Proposals about it are denied, its rollout holds, hands are braked for it alone; others go on."""
    court = Court()
    action = court.roll()

    emits = court.law(FreezeSet(scope=MODEL), "olga", subject=SCOPE)

    assert [(e.log, e.subject, e.broadcast) for e in emits] == [(log, MODEL, True) for log in POLICIES]
    assert {brake.scope for brake in data_of(emits, BrakeSet)} == {MODEL}
    assert court.judge(action, "promote") == []
    freeze(court)
    assert len(lift(court)) == len(POLICIES), "it is frozen by itself"
    said = [emit.data for emit in court.law(FreezeLifted(scope=MODEL), "olga", subject=SCOPE)]
    assert isinstance(said[-1], RolloutPromote)


def test_a_model_of_another_scope_is_not_frozen_by_ours(court: Court) -> None:
    """The role counts where the model is."""
    other = court.signed(FreezeSet(scope="other/m"), "olga", subject="other")

    assert reason_of(court, other, "other") == "role_missing"


def test_in_a_freeze_the_last_judgement_is_kept_and_decided_on_again() -> None:
    """Once."""
    court = Court()
    action = court.roll()
    freeze(court)
    assert court.judge(action, "continue") == court.judge(action, "promote") == []

    said = lift(court)

    assert isinstance(said[-1], RolloutPromote)
    freeze(court)
    assert len(lift(court)) == len(POLICIES)


@pytest.mark.parametrize("judgement", ["abort", "inconclusive"])
def test_an_abort_passes_every_freeze(judgement: str) -> None:
    """And forgets what was kept."""
    court = Court()
    action = court.roll()
    freeze(court)
    court.judge(action, "promote")

    assert data_of(court.judge(action, judgement), RolloutAbort)
    assert len(lift(court)) == len(POLICIES)


def test_what_is_trained_in_a_freeze_waits_for_its_end() -> None:
    """And while two freezes hold it, for the end of both."""
    court = Court()
    action, _ = court.propose()
    freeze(court)
    freeze(court, "*")
    assert court.train(action, "warm", "head") == []

    assert len(lift(court)) == len(POLICIES)
    assert isinstance(lift(court, "*")[-1], RolloutSet)


def test_what_settles_in_a_freeze_is_cleared_by_a_command_that_passes_brakes() -> None:
    """Otherwise its shadows would stay on the server for ever."""
    court = Court()
    action = court.roll()
    court.judge(action, "abort")
    freeze(court)

    assert one(court.settle(action, "aborted"), RolloutAbort).candidates == ()


def braked(court: Court, action: str) -> list[object]:
    """The rollout hand has answered a command with the brake."""
    report = about(action, "rollout") | {"reason": "braked"}
    return [emit.data for emit in court.report(ActionFailed.model_validate(report))]


@pytest.mark.parametrize(
    ("judgements", "expected", "step"),
    [((), RolloutSet, 0), (("continue",), RolloutSet, 1), (("continue", "promote"), RolloutPromote, 1)],
)
def test_a_command_that_a_brake_stopped_is_given_again_after_the_freeze(
    judgements: tuple[str, ...], expected: type[RolloutSet], step: int
) -> None:
    """The same one: first step, next step, promotion."""
    court = Court()
    action = court.roll()
    for number, judgement in enumerate(judgements):
        court.judge(action, judgement, number)
    freeze(court)

    assert braked(court, action) == []
    again = lift(court)[-1]

    assert isinstance(again, expected)
    assert again.step == step


def test_shadows_that_a_brake_stopped_are_set_after_the_freeze() -> None:
    """A skip has no canary to go on with."""
    court = Court()
    action, _ = court.propose(chosen="skip")
    court.train(action, "head")
    freeze(court)

    braked(court, action)

    again = lift(court)[-1]
    assert isinstance(again, RolloutSet)
    assert (again.canary, len(again.candidates)) == (None, 1)


def test_an_aborted_canary_does_not_come_back_after_a_freeze() -> None:
    """The brake stopped its next step; the abort passed the brake; the report of the first comes last."""
    court = Court()
    action = court.roll()
    court.judge(action, "continue")
    freeze(court)
    court.judge(action, "abort")

    braked(court, action)

    assert len(lift(court)) == len(POLICIES)
    assert court.state.flight.actions[action].phase == "measuring"


def test_an_emergency_needs_two_people_and_goes_through_a_freeze(court: Court) -> None:
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


def test_an_emergency_passes_no_other_rule(court: Court) -> None:
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


def test_a_single_emergency_voice_does_not_count_as_an_approval_of_two_kinds(court: Court) -> None:
    """One emergency and one ordinary yes are an ordinary approval: no way through a freeze."""
    action, _ = court.propose()
    freeze(court)
    say(court, ApprovalGiven(action=action, is_emergency=True), "ada")

    emits = court.tell(court.signed(ApprovalGiven(action=action), "ben"))

    assert verdict(emits).verdict == "held"


def test_what_a_person_asks_for_in_a_freeze_waits_for_two() -> None:
    """The learner's proposal is denied, a person's request may be an emergency, if nothing else forbids it."""
    court = Court()
    freeze(court)
    action, emits = court.ask(ActionRequested(**dict(proposal())))
    assert (verdict(emits).verdict, verdict(emits).rules[-1].limit) == ("held", "two people")
    assert verdict(court.ask(ActionRequested(**dict(proposal(champion="v9"))))[1]).verdict == "denied"
    yes = ApprovalGiven(action=action, is_emergency=True)

    say(court, yes, "ada")

    assert verdict(court.tell(court.signed(yes, "ben"))).verdict == "approved"


@pytest.mark.parametrize(
    ("proposed", "model", "held"), [("low", "low", False), ("medium", "low", True), ("low", "high", True)]
)
@pytest.mark.parametrize("chosen", ["warm", "skip"])
def test_the_higher_of_two_tiers_decides(proposed: str, model: str, held: bool, chosen: str) -> None:
    """That of the proposal and that of the model; a skip waits for nobody."""
    court = Court(model_tier=model)
    court.law(RulesSet(scope=SCOPE, approval_tiers=("medium", "high")), "olga", subject=SCOPE)

    _, emits = court.propose(tier=proposed, chosen=chosen)

    assert verdict(emits).verdict == ("held" if held and chosen != "skip" else "approved")
