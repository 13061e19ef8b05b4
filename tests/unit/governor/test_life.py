"""The life of an action: from proposal to settlement, and every way off that road."""

from collections.abc import Callable

import pytest
from tests.unit.governor.court import (
    DIGEST,
    EMITTER,
    FAMILY,
    MODEL,
    SCOPE,
    START_MS,
    Court,
    about,
    data_of,
    money,
    one,
    proposal,
    verdict,
)

from homeostat.events import (
    ActionApplied,
    ActionRequested,
    Arm,
    Band,
    Candidate,
    DeploymentObserved,
    EventRefused,
    FreezeSet,
    MetaTraining,
    MetaTrainingStart,
    Range,
    RetrainStart,
    RevertRequested,
    Rollout,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    RulesSet,
    ThresholdSet,
)
from homeostat.events.logs import POLICY_RETRAIN, POLICY_ROLLOUT

LIFE_MS = RulesSet().action_ttl_ms
BAND = Band(signal="u", rate=0.01, low=0.0, high=1.0, eta=0.5)


@pytest.fixture
def court() -> Court:
    """One model that serves v0."""
    return Court()


def champion(court: Court) -> tuple[str, str | None]:
    """What the books say: champion, and version to go back to."""
    model = court.state.registry.models[MODEL]
    return model.champion, model.last_good


def test_an_action_goes_from_proposal_to_settlement(court: Court) -> None:
    """Train, canary in steps, promote, measure, clear; each command carries what a hand must know."""
    court.law(RulesSet(scope=SCOPE, price_per_training_second=0.5), "olga", subject=SCOPE)
    action, emits = court.propose()
    start = one(emits, RetrainStart)
    assert verdict(emits).verdict == "approved"
    assert [(emit.log, emit.subject, emit.story) for emit in emits][-1] == (POLICY_RETRAIN, MODEL, "story")
    assert [arm.name for arm in start.arms] == ["head", "warm"]
    assert (start.champion, start.champion_artifact, start.chosen) == ("v0", DIGEST["v0"], "warm")
    assert (start.action, start.verdict) == (action, f"{EMITTER}#{court.offset}.0")
    assert start.expires_at == START_MS + LIFE_MS
    assert (start.rules_version, start.price_per_second) != ("", 0.01)
    assert start.revert_to == "v0"
    assert money(court) == (5.0, 0.0)

    assert court.train(action, "warm") == []
    first = one(court.train(action, "head"), RolloutSet)
    assert (first.canary, first.weight, first.step, first.champion) == ("warm-1", 0.1, 0, "v0")
    assert [candidate.version for candidate in first.candidates] == ["head-1", "warm-1"]
    assert (first.reference, first.reference_artifact, first.revert_to) == ("v0", DIGEST["v0"], "v0")
    assert (first.verdict, first.rules_version, first.expires_at) == (
        start.verdict,
        start.rules_version,
        start.expires_at,
    )
    court.apply(first, "set")

    second = one(court.judge(action, "continue"), RolloutSet)
    assert (second.canary, second.weight, second.step) == ("warm-1", 0.5, 1)
    court.apply(second, "set")

    promotion = one(court.judge(action, "promote", 1), RolloutPromote)
    assert (promotion.champion, promotion.champion_artifact) == ("warm-1", DIGEST["warm"])
    assert (promotion.canary, promotion.reference) == (None, "v0")
    assert len(promotion.candidates) == 2
    assert champion(court) == ("v0", None)
    court.apply(promotion, "promote")
    assert champion(court) == ("warm-1", "v0")

    last = one(court.settle(action), RolloutSet)
    assert (last.champion, last.candidates, last.canary, last.reference) == ("warm-1", (), None, "warm-1")
    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 2.0)


def test_the_last_step_is_followed_by_the_promotion(court: Court) -> None:
    """`continue` is enough."""
    action = court.roll()
    court.judge(action, "continue")

    assert data_of(court.judge(action, "continue", 1), RolloutPromote)


@pytest.mark.parametrize("judgement", ["abort", "inconclusive"])
def test_what_is_worse_or_not_shown_to_be_better_is_aborted(court: Court, judgement: str) -> None:
    """The candidates stay as shadows until the outcome is measured."""
    action = court.roll()

    command = one(court.judge(action, judgement), RolloutAbort)

    assert (command.champion, command.canary, command.weight) == ("v0", None, 0.0)
    assert len(command.candidates) == 2
    assert one(court.settle(action, "aborted"), RolloutSet).candidates == ()
    assert champion(court) == ("v0", None)


@pytest.mark.parametrize("judgement", ["promote", "continue", "abort", "inconclusive"])
def test_a_judgement_out_of_place_does_nothing(court: Court, judgement: str) -> None:
    """Of an unknown action, before the rollout, twice, after the abort, and after the end."""
    assert court.judge("nobody#1.0", judgement) == []
    action, _ = court.propose()
    assert court.judge(action, judgement) == []
    court.roll(action)
    court.judge(action, "abort")
    assert court.judge(action, judgement) == []
    court.settle(action, "aborted")
    assert court.judge(action, judgement) == []


@pytest.mark.parametrize("judgement", ["promote", "continue"])
def test_a_judgement_of_an_earlier_step_does_not_move_the_later_one(court: Court, judgement: str) -> None:
    """Late and repeated ones alike; an abort of any step counts."""
    action = court.roll()
    court.judge(action, "continue")

    assert court.judge(action, judgement, 0) == []
    assert court.state.flight.actions[action].step == 1
    assert data_of(court.judge(action, "abort", 0), RolloutAbort)


def test_without_the_chosen_arm_the_others_are_only_measured(court: Court) -> None:
    """No arm takes another's place: it was not drawn."""
    action, _ = court.propose()

    command = one(court.train(action, "head", failed=["warm"]), RolloutSet)

    assert (command.canary, command.weight, command.step) == (None, 0.0, -1)
    assert court.judge(action, "promote", 0) == []
    assert one(court.settle(action, "skipped"), RolloutSet).candidates == ()
    assert money(court) == (0.0, 0.04)


def test_without_any_arm_the_report_ends_the_action(court: Court) -> None:
    """Nothing was served, so nothing is cleared; the training is paid, and the settlement comes too late for more."""
    action, _ = court.propose()
    assert court.train(action, failed=["warm", "head"]) == []

    emits = court.fail(action, "retrain", "all_arms_failed")

    assert (verdict(emits).verdict, len(emits)) == ("expired", 2)
    assert [(rule.rule, rule.value) for rule in verdict(emits).rules] == [("hand", "all_arms_failed")]
    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.04)
    assert court.settle(action, "failed", cost=0.04) == []
    assert money(court) == (0.0, 0.04)


def test_a_skip_trains_and_scores_its_shadows_only(court: Court) -> None:
    """And one without shadows is over with its verdict."""
    action, emits = court.propose(chosen="skip")
    assert [arm.name for arm in one(emits, RetrainStart).arms] == ["head"]
    assert one(court.train(action, "head"), RolloutSet).canary is None
    court.settle(action, "skipped")
    court.now += 60_000

    _, nothing = court.propose(chosen="skip", shadows=())

    assert verdict(nothing).verdict == "approved"
    assert len(nothing) == 2
    assert court.state.flight.actions == {}
    assert money(court)[0] == 0.0


def test_a_repeated_or_foreign_training_report_changes_nothing(court: Court) -> None:
    """The rollout begins once."""
    action, _ = court.propose()
    assert court.train(action, "scratch") == []
    assert court.train("nobody#1.0", "warm") == []
    assert court.train(action, "warm", "warm") == []
    court.train(action, "head")

    assert court.train(action, "head", "warm") == []
    assert len(court.state.flight.actions[action].candidates) == 2


def test_a_retrain_command_read_again_after_a_crash_does_not_end_the_rollout(court: Court) -> None:
    """It may fail as expired or braked, though its arms have been trained."""
    action = court.roll()

    assert court.fail(action, "retrain", "expired") == []
    assert court.settle(action, "failed") == []

    assert court.state.flight.actions[action].phase == "rolling"


def test_a_rollout_of_versions_trained_elsewhere_needs_no_training(court: Court) -> None:
    """A person asks for it."""
    candidate = Candidate(arm="mine", version="mine-1", artifact="a" * 64)
    asked = dict(proposal(kind="rollout", chosen="mine", arms=(), shadows=(), candidates=(candidate,), window=None))

    action, emits = court.ask(ActionRequested(**asked))

    assert one(emits, RolloutSet).canary == "mine-1"
    assert emits[-1].log == POLICY_ROLLOUT
    assert data_of(court.judge(action, "promote"), RolloutPromote)
    court.settle(action)
    assert champion(court) == ("mine-1", "v0")


def test_a_threshold_ends_when_its_band_is_there(court: Court) -> None:
    """A report of another kind does not end it."""
    action, emits = court.propose(kind="threshold", band=BAND)
    assert one(emits, ThresholdSet).band == BAND
    assert one(emits, ThresholdSet).expires_at == START_MS + LIFE_MS

    court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": BAND}))

    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.0)


def test_a_report_of_a_threshold_ends_no_retrain(court: Court) -> None:
    """Whatever action it names."""
    action, _ = court.propose()

    court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": BAND}))

    assert action in court.state.flight.actions


def meta_training(court: Court) -> tuple[str, MetaTrainingStart]:
    """Begin to learn initial weights."""
    window = Range(log="t", subject=FAMILY, source="/s", first="1.0", last="2.0", from_time=0, rows=9)
    action, emits = court.propose(
        kind="meta_training",
        model=None,
        chosen="maml",
        arms=(Arm(name="maml"),),
        window=window,
        meta_training=MetaTraining(window=window),
    )
    return action, one(emits, MetaTrainingStart)


def test_a_meta_training_ends_with_its_settlement(court: Court) -> None:
    """Its command lies under the family."""
    action, start = meta_training(court)
    assert (start.family, start.model) == (FAMILY, None)

    assert court.settle(action, "done", "meta_training") == []

    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.0)


@pytest.mark.parametrize("kind", ["threshold", "meta_training"])
def test_the_family_hears_of_what_a_hand_could_not_do(court: Court, kind: str) -> None:
    """A hand's failure reaches governance only; the learner waits for the verdict."""
    begin: dict[str, Callable[[], str]] = {
        "threshold": lambda: court.propose(kind="threshold", band=BAND)[0],
        "meta_training": lambda: meta_training(court)[0],
    }
    action = begin[kind]()

    emits = court.fail(action, kind, "braked", None if kind == "meta_training" else MODEL)

    assert verdict(emits).verdict == "expired"
    assert [(rule.rule, rule.value) for rule in verdict(emits).rules] == [("hand", "braked")]
    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.0)


def to_training(court: Court) -> str:
    return court.propose()[0]


def to_ready(court: Court) -> str:
    action = to_training(court)
    court.law(FreezeSet(scope=SCOPE), "olga", subject=SCOPE)
    court.train(action, "warm", "head")
    return action


def to_rolling(court: Court) -> str:
    return court.roll()


def to_promoting(court: Court) -> str:
    action = court.roll()
    court.judge(action, "promote")
    return action


def to_measuring(court: Court) -> str:
    action = court.roll()
    court.judge(action, "abort")
    return action


def to_promoted(court: Court) -> str:
    action = court.roll()
    court.apply(one(court.judge(action, "promote"), RolloutPromote), "promote")
    return action


PHASES = (to_training, to_ready, to_rolling, to_promoting, to_measuring, to_promoted)
SERVED = PHASES[2:]


@pytest.mark.parametrize("enter", PHASES)
def test_an_action_that_outlives_its_time_leaves_no_candidate(court: Court, enter: Callable[[Court], str]) -> None:
    """In every phase: what it asked for is spent, its end is said, its candidates are cleared by an abort."""
    action = enter(court)
    serving = champion(court)[0]
    due = court.fold.wake_at(court.state)
    assert due == START_MS + LIFE_MS
    assert court.tick(due - 1) == []

    emits = court.tick(due)

    assert verdict(emits).verdict == "expired"
    assert [(c.champion, c.candidates, c.reference) for c in data_of(emits, RolloutAbort)] == [
        (serving, (), serving)
    ] * (enter in SERVED)
    assert len(data_of(emits, Rollout)) == (enter in SERVED)
    assert court.state.flight.actions == {}
    assert court.fold.wake_at(court.state) is None
    assert money(court) == (0.0, 5.0)
    assert court.settle(action, "expired") == []
    assert money(court) == (0.0, 5.0)


def test_what_was_promoted_at_the_last_moment_and_cleared_is_not_in_the_books(court: Court) -> None:
    """The promotion's report comes after the expiry, and then that of the abort that takes it back."""
    action = court.roll()
    promotion = one(court.judge(action, "promote"), RolloutPromote)
    abort = one(court.tick(START_MS + LIFE_MS), RolloutAbort)

    court.apply(promotion, "promote")
    assert champion(court) == ("warm-1", "v0")
    court.apply(abort, "abort")

    assert champion(court) == ("v0", None)


def test_a_settlement_before_the_report_of_the_promotion_keeps_it(court: Court) -> None:
    """Two logs, two orders: the evaluator has seen the report before the governor."""
    action = to_promoting(court)

    assert one(court.settle(action), RolloutSet).champion == "warm-1"
    assert champion(court) == ("warm-1", "v0")


@pytest.mark.parametrize("is_reported", [True, False])
def test_the_family_hears_whether_an_expired_action_was_ever_served(court: Court, is_reported: bool) -> None:
    """After a rollout was reported an outcome follows; of what has expired in training none ever comes."""
    action, given = court.propose()
    assert not verdict(given).was_served
    command = one(court.train(action, "warm", "head"), RolloutSet)
    if is_reported:
        court.apply(command, "set")

    emits = court.tick(court.state.flight.actions[action].expires_at)

    assert (verdict(emits).verdict, verdict(emits).was_served) == ("expired", is_reported)


def test_a_rollout_command_says_of_what_kind_its_action_is(court: Court) -> None:
    """The evaluator reports outcomes by it."""
    retrain = one(court.train(court.propose()[0], "warm", "head"), RolloutSet)
    elsewhere = Candidate(arm="warm", version="warm-1", artifact=DIGEST["warm"])
    court = Court()
    _, emits = court.propose(kind="rollout", candidates=(elsewhere,), shadows=(), window=None)

    assert (retrain.kind, one(emits, RolloutSet).kind) == ("retrain", "rollout")


@pytest.mark.parametrize("enter", PHASES)
def test_a_deployment_from_outside_ends_what_was_compared_with_another(
    court: Court, enter: Callable[[Court], str]
) -> None:
    """No candidate takes the place of a champion that it was never compared with."""
    action = enter(court)

    emits = court.tell(DeploymentObserved(version="v9", artifact="9" * 64, model=MODEL))

    assert champion(court)[0] == "v9"
    assert verdict(emits).verdict == "expired"
    assert verdict(emits).rules[0].reason == "v9 was deployed from outside"
    assert [(c.champion, c.champion_artifact, c.candidates) for c in data_of(emits, RolloutAbort)] == [
        ("v9", "9" * 64, ())
    ] * (enter in SERVED)
    assert court.judge(action, "promote") == court.train(action, "warm", "head") == court.settle(action) == []
    assert money(court)[0] == 0.0


def test_our_own_promotion_seen_from_outside_ends_nothing(court: Court) -> None:
    """A pipeline may report every change of what serves."""
    action = to_promoting(court)

    assert court.tell(DeploymentObserved(version="warm-1", model=MODEL)) == []

    assert champion(court) == ("warm-1", "v0")
    assert action in court.state.flight.actions


def test_the_same_champion_deployed_again_ends_nothing_but_a_promotion(court: Court) -> None:
    """While one is on its way, it means that somebody has taken it back."""
    action = court.roll()
    again = DeploymentObserved(version="v0", model=MODEL)
    assert court.tell(again) == []

    court.judge(action, "promote")

    assert one(court.tell(again), RolloutAbort).champion == "v0"
    assert court.state.flight.actions == {}


def test_a_held_action_of_a_replaced_champion_is_over() -> None:
    """It could never be approved."""
    court = Court(model_tier="high")
    action, _ = court.propose()

    emits = court.tell(DeploymentObserved(version="v9", model=MODEL))

    assert verdict(emits).verdict == "expired"
    assert action not in court.state.flight.actions
    assert money(court) == (0.0, 0.0)


def test_a_deployment_of_an_unknown_model_is_passed_over(court: Court) -> None:
    """It has no books."""
    assert court.tell(DeploymentObserved(version="v9", model="acme/unknown")) == []


def revert(court: Court) -> list[RolloutRevert]:
    """A person wants the last good version."""
    emits = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))
    return data_of(emits, RolloutRevert)


def test_a_revert_goes_back_one_version_and_not_forth_again(court: Court) -> None:
    """What was left is not known to be good."""
    court.settle(to_promoted(court))

    command = revert(court)[0]
    court.apply(command, "revert")

    assert (command.champion, command.champion_artifact, command.candidates) == ("v0", DIGEST["v0"], ())
    assert (command.revert_to, command.reference) == ("v0", "v0")
    assert champion(court) == ("v0", None)
    again = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))
    assert one(again, EventRefused).reason == "nothing_to_revert"


def test_a_revert_ends_what_is_in_flight(court: Court) -> None:
    """A judgement on its way does not bring the candidate back, and no second command clears up."""
    action = to_promoted(court)

    emits = court.tell(court.signed(RevertRequested(model=MODEL), "olga"))

    assert len(data_of(emits, Rollout)) == 1
    assert verdict(emits).rules[0].rule == "revert"
    assert court.judge(action, "promote") == court.settle(action, "aborted") == []
    assert money(court) == (0.0, 0.04)


def test_a_revert_during_a_promotion_goes_back_to_what_it_replaces(court: Court) -> None:
    """Not one further: the report of the promotion may be on its way."""
    action = court.roll()
    promotion = one(court.judge(action, "promote"), RolloutPromote)

    command = revert(court)[0]
    court.apply(promotion, "promote")
    court.apply(command, "revert")

    assert command.champion == "v0"
    assert champion(court) == ("v0", None)


def test_a_model_registered_again_keeps_its_champion(court: Court) -> None:
    """Clients register at each start."""
    court.settle(to_promoted(court))

    court.register(tier="high")

    assert champion(court)[0] == "warm-1"
    assert court.state.registry.models[MODEL].tier == "high"


def test_the_starts_remembered_are_as_many_as_the_rate_counts(court: Court) -> None:
    """A rule of 150 actions is a rule of 150 actions."""
    court.law(RulesSet(scope=SCOPE, max_actions=150, cooldown_ms=0), "olga", subject=SCOPE)

    said = list[str]()
    for _ in range(151):
        action, emits = court.propose(money=0.0)
        said.append(verdict(emits).verdict)
        court.train(action, failed=["warm", "head"])
        court.settle(action, "failed")

    assert said == ["approved"] * 150 + ["denied"]


def test_a_skip_neither_uses_up_rates_nor_waits_nor_makes_wait(court: Court) -> None:
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
