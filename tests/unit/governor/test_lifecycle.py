"""The life of an action: from proposal to settlement, and every way off that road."""

from collections.abc import Callable

import pytest
from tests.unit.governor.driver import (
    DIGEST,
    EMITTER,
    FAMILY,
    MODEL,
    SCOPE,
    START_MS,
    GovernorDriver,
    about,
    money,
    proposal,
    verdict,
)
from tests.unit.governor.emits import data_of, one
from tests.unit.governor.serving import LIFE_MS, champion

from homeostat.events import (
    ActionApplied,
    ActionRequested,
    Arm,
    Band,
    Candidate,
    MetaTraining,
    MetaTrainingStart,
    Range,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutSet,
    RulesSet,
    ThresholdSet,
)
from homeostat.events.logs import POLICY_RETRAIN, POLICY_ROLLOUT

BAND = Band(signal="u", rate=0.01, low=0.0, high=1.0, eta=0.5)


def test_an_action_goes_from_proposal_to_settlement(court: GovernorDriver) -> None:
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


def test_the_last_step_is_followed_by_the_promotion(court: GovernorDriver) -> None:
    """`continue` is enough."""
    action = court.roll()
    court.judge(action, "continue")

    assert data_of(court.judge(action, "continue", 1), RolloutPromote)


@pytest.mark.parametrize("judgement", ["abort", "inconclusive"])
def test_what_is_worse_or_not_shown_to_be_better_is_aborted(court: GovernorDriver, judgement: str) -> None:
    """The candidates stay as shadows until the outcome is measured."""
    action = court.roll()

    command = one(court.judge(action, judgement), RolloutAbort)

    assert (command.champion, command.canary, command.weight) == ("v0", None, 0.0)
    assert len(command.candidates) == 2
    assert one(court.settle(action, "aborted"), RolloutSet).candidates == ()
    assert champion(court) == ("v0", None)


@pytest.mark.parametrize("judgement", ["promote", "continue", "abort", "inconclusive"])
def test_a_judgement_out_of_place_does_nothing(court: GovernorDriver, judgement: str) -> None:
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
def test_a_judgement_of_an_earlier_step_does_not_move_the_later_one(court: GovernorDriver, judgement: str) -> None:
    """Late and repeated ones alike; an abort of any step counts."""
    action = court.roll()
    court.judge(action, "continue")

    assert court.judge(action, judgement, 0) == []
    assert court.state.flight.actions[action].step == 1
    assert data_of(court.judge(action, "abort", 0), RolloutAbort)


def test_without_the_chosen_arm_the_others_are_only_measured(court: GovernorDriver) -> None:
    """No arm takes another's place: it was not drawn."""
    action, _ = court.propose()

    command = one(court.train(action, "head", failed=["warm"]), RolloutSet)

    assert (command.canary, command.weight, command.step) == (None, 0.0, -1)
    assert court.judge(action, "promote", 0) == []
    assert one(court.settle(action, "skipped"), RolloutSet).candidates == ()
    assert money(court) == (0.0, 0.04)


def test_without_any_arm_the_report_ends_the_action(court: GovernorDriver) -> None:
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


def test_a_skip_trains_and_scores_its_shadows_only(court: GovernorDriver) -> None:
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


def test_a_repeated_or_foreign_training_report_changes_nothing(court: GovernorDriver) -> None:
    """The rollout begins once."""
    action, _ = court.propose()
    assert court.train(action, "scratch") == []
    assert court.train("nobody#1.0", "warm") == []
    assert court.train(action, "warm", "warm") == []
    court.train(action, "head")

    assert court.train(action, "head", "warm") == []
    assert len(court.state.flight.actions[action].candidates) == 2


def test_a_retrain_command_read_again_after_a_crash_does_not_end_the_rollout(court: GovernorDriver) -> None:
    """It may fail as expired or braked, though its arms have been trained."""
    action = court.roll()

    assert court.fail(action, "retrain", "expired") == []
    assert court.settle(action, "failed") == []

    assert court.state.flight.actions[action].phase == "rolling"


def test_a_rollout_of_versions_trained_elsewhere_needs_no_training(court: GovernorDriver) -> None:
    """A person asks for it."""
    candidate = Candidate(arm="mine", version="mine-1", artifact="a" * 64)
    asked = dict(proposal(kind="rollout", chosen="mine", arms=(), shadows=(), candidates=(candidate,), window=None))

    action, emits = court.ask(ActionRequested.model_validate(asked))

    assert one(emits, RolloutSet).canary == "mine-1"
    assert emits[-1].log == POLICY_ROLLOUT
    assert data_of(court.judge(action, "promote"), RolloutPromote)
    court.settle(action)
    assert champion(court) == ("mine-1", "v0")


def test_a_threshold_ends_when_its_band_is_there(court: GovernorDriver) -> None:
    """A report of another kind does not end it."""
    action, emits = court.propose(kind="threshold", band=BAND)
    assert one(emits, ThresholdSet).band == BAND
    assert one(emits, ThresholdSet).expires_at == START_MS + LIFE_MS

    court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": BAND}))

    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.0)


def test_a_report_of_a_threshold_ends_no_retrain(court: GovernorDriver) -> None:
    """Whatever action it names."""
    action, _ = court.propose()

    court.report(ActionApplied.model_validate(about(action, "threshold") | {"band": BAND}))

    assert action in court.state.flight.actions


def meta_training(court: GovernorDriver) -> tuple[str, MetaTrainingStart]:
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


def test_a_meta_training_ends_with_its_settlement(court: GovernorDriver) -> None:
    """Its command lies under the family."""
    action, start = meta_training(court)
    assert (start.family, start.model) == (FAMILY, None)

    assert court.settle(action, "done", "meta_training") == []

    assert court.state.flight.actions == {}
    assert money(court) == (0.0, 0.0)


@pytest.mark.parametrize("kind", ["threshold", "meta_training"])
def test_the_family_hears_of_what_a_hand_could_not_do(court: GovernorDriver, kind: str) -> None:
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
