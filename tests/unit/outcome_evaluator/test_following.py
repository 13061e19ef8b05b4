"""After a promotion the old champion is held back, and the outcome stays right."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.bench import ACTION, PLAN, Bench, data_of, first, one

from homeostat.core import Emit
from homeostat.events import ActionSettled, Candidate, CandidateEvaluated, OutcomeMeasured, OutcomeRevised
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

WARM = Candidate(arm="warm", version="warm-1", artifact="a" * 64)


def promoted(before: int = 20, **changes: Any) -> Bench:
    """A promotion after `before` labels."""
    bench = Bench(**changes)
    bench.serve()
    bench.rounds(before, v0=1.0)
    bench.serve("promote", champion="warm-1")
    return bench


def after(bench: Bench, n: int, new: float = 0.0, old: float = 1.0) -> list[Emit]:
    """Label `n` requests that the promoted version and the old champion have answered."""
    emits: list[Emit] = []
    for _ in range(n):
        emits += bench.label({"champion/warm-1": [new], "shadow/v0": [old]}, [0.0])
    return emits


def test_rows_that_led_to_a_promotion_do_not_flatter_it() -> None:
    """Lucky before, equal since: no gain. The arms' payoffs are those of the whole horizon."""
    bench = promoted(30)

    after(bench, PLAN.horizon_labels - 30, old=0.0)

    outcome = one(bench.said, OutcomeMeasured)
    assert (outcome.gain, outcome.n_labels, outcome.verdict) == (0.0, 30, "cost")
    assert {e.arm: e.payoff for e in data_of(bench.said, CandidateEvaluated)} == {"warm": 0.5, "head": 1.0}


def test_few_rows_carry_no_verdict() -> None:
    """The outcome says why, and when there are enough, it says better."""
    bench = promoted(PLAN.horizon_labels - 5)
    after(bench, 5)
    outcome = one(bench.said, OutcomeMeasured)
    assert (outcome.verdict, outcome.is_final, outcome.gain) == ("inconclusive", False, 1.0)
    assert outcome.reason == "only 5 rows labelled since the promotion were answered by both versions"

    emits = after(bench, 20)

    revision = one(emits, OutcomeRevised)
    assert (revision.verdict, revision.n_labels, revision.is_final) == ("gain", 20, False)


def test_a_gain_that_does_not_last_is_taken_back() -> None:
    """The old champion would have been better in the end."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)
    assert one(bench.said, OutcomeMeasured).verdict == "gain"
    assert not one(bench.said, ActionSettled).is_final
    bench.state.followed.n_left = 300  # type: ignore[union-attr]  # a promotion is followed

    emits = after(bench, 300, new=1.0, old=0.0)

    said = [(revision.verdict, revision.is_final) for revision in data_of(emits, OutcomeRevised)]
    assert said[0] == ("inconclusive", False)
    assert said[-1] == ("regression", True)
    assert (one(emits, ActionSettled).is_final, one(emits, ActionSettled).gain < 0) == (True, True)


def test_an_outcome_that_stays_is_said_once_more_when_it_is_final() -> None:
    """Nothing in between: looking after every row would find a change by chance."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)
    bench.said.clear()

    after(bench, PLAN.holdback_labels - 1)
    assert bench.said == []
    after(bench, 1)

    assert one(bench.said, OutcomeRevised).is_final
    assert one(bench.said, ActionSettled).is_final
    assert after(bench, 50) == []


@settings(max_examples=8, deadline=None)
@given(shock=st.lists(st.booleans(), min_size=200, max_size=200), gains=st.integers(0, 200))
def test_what_hits_both_versions_is_not_attributed_to_the_action(shock: list[bool], gains: int) -> None:
    """Another deployment, a broken feature, a holiday: errors of both rise, the gain is that of the difference."""
    calm, shaken = promoted(0), promoted(0)
    for bench, shocks in ((calm, [False] * 200), (shaken, shock)):
        for row, is_hit in enumerate(shocks):
            truth = 0.0
            old = 1.0 if row < gains or is_hit else truth
            new = 1.0 if is_hit and row >= gains else truth
            bench.label({"champion/warm-1": [new], "shadow/v0": [old]}, [truth])

    assert [o.gain for o in data_of(calm.said, OutcomeMeasured)] == [
        o.gain for o in data_of(shaken.said, OutcomeMeasured)
    ]


def test_without_pairs_nothing_is_attributed() -> None:
    """Whoever does not mirror gets no guess."""
    bench = promoted(PLAN.horizon_labels - 1)
    bench.label({"champion/warm-1": [0.0], "shadow/head-1": [0.0]}, [0.0])
    for _ in range(100):
        bench.label({"champion/warm-1": [0.0]}, [0.0])
    bench.serve("abort", candidates=())

    outcome = one(bench.said, OutcomeMeasured)
    assert (outcome.verdict, outcome.gain, outcome.gain_low < 0 < outcome.gain_high) == ("inconclusive", 0.0, True)
    assert "nothing can be attributed" in outcome.reason
    assert outcome.is_final


def test_what_is_held_back_is_no_trial() -> None:
    """The rollout that keeps the old champion, however late it is reported, opens nothing."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)
    bench.serve(step=-1, champion="warm-1", canary=None, weight=0.0, candidates=(WARM,))
    assert bench.state.trials == {}
    after(bench, PLAN.holdback_labels)

    bench.serve(step=-1, champion="warm-1", canary=None, weight=0.0, candidates=(WARM,))

    assert (bench.state.trials, bench.state.followed) == ({}, None)


def test_a_holdback_that_is_cleared_early_has_the_last_word_early() -> None:
    """Its time is over, or somebody has deployed; clearing again says nothing."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)

    emits = bench.serve(champion="warm-1", canary=None, weight=0.0, candidates=())

    assert one(emits, OutcomeRevised).is_final
    assert bench.serve(champion="warm-1", canary=None, weight=0.0, candidates=()) == []


def test_the_next_action_may_begin_while_the_last_one_is_followed() -> None:
    """Late labels of both still count; the next settlement ends it."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)
    bench.said.clear()
    new = (Candidate(arm="head", version="head-2", artifact="a" * 64),)
    bench.serve(action="learner#2.0", champion="warm-1", reference="warm-1", canary="head-2", candidates=new)
    after(bench, 3)
    assert bench.state.followed is not None
    assert bench.state.followed.n_left == PLAN.holdback_labels - 3

    emits = bench.serve("abort", action="learner#2.0", champion="warm-1", reference="warm-1", candidates=())

    assert [(type(o), o.action) for o in data_of(emits, OutcomeMeasured)] == [
        (OutcomeRevised, ACTION),
        (OutcomeMeasured, "learner#2.0"),
    ]
    assert bench.state.followed is None


@pytest.mark.parametrize("is_next_on_its_way", [False, True])
@pytest.mark.parametrize(("to", "state", "gain"), [("v0", "aborted", 0.0), ("warm-1", "promoted", 1.0)])
def test_a_promotion_that_is_reverted_while_it_is_followed_was_none(
    to: str, state: str, gain: float, is_next_on_its_way: bool
) -> None:
    """Unless it is what one went back to; the next action is off in any case."""
    bench = promoted()
    after(bench, PLAN.horizon_labels - 20)
    if is_next_on_its_way:
        bench.serve(action="learner#2.0", champion="warm-1", reference="warm-1", canary="head-1")
    bench.said.clear()

    bench.revert(to)

    following = data_of(bench.said, OutcomeRevised)
    if is_next_on_its_way or to == "v0":
        assert [(o.action, o.state, o.gain, o.is_final) for o in following] == [(ACTION, state, gain, True)]
    else:
        assert (following, bench.state.followed is None) == ([], False)
    settled = [(data.action, data.state) for data in data_of(bench.said, ActionSettled) if data.action != ACTION]
    assert settled == [("learner#2.0", "aborted")] * is_next_on_its_way


def test_a_plan_without_holdback_is_final_at_once() -> None:
    """Nothing is followed."""
    bench = Bench()
    plan = PLAN.model_copy(update={"holdback_labels": 0})
    bench.serve(plan=plan)
    bench.serve("promote", champion="warm-1", plan=plan)

    bench.rounds(PLAN.horizon_labels, v0=1.0)

    assert one(bench.said, OutcomeMeasured).is_final
    assert bench.state.followed is None


def test_an_arm_that_could_not_be_trained_is_named() -> None:
    """It was chosen, so it is not a skip; its shadows are scored all the same, and the governor clears up."""
    bench = Bench()
    head = (Candidate(arm="head", version="head-1", artifact="a" * 64),)
    bench.serve(step=-1, canary=None, weight=0.0, candidates=head, chosen="warm")

    for _ in range(PLAN.horizon_labels):
        bench.label({"champion/v0": [1.0], "shadow/head-1": [0.0]}, [0.0])

    outcome = first(bench.said, OutcomeMeasured)
    assert (outcome.arm, outcome.state, outcome.verdict, outcome.cost) == ("warm", "failed", "cost", PLAN.price)
    assert outcome.reason == "warm could not be trained: nothing was rolled out"
    assert one(bench.said, ActionSettled).state == "skipped"
    assert one(bench.said, CandidateEvaluated).arm == "head"


def test_evidence_that_has_gone_promotes_nothing() -> None:
    """A crossing early in the soak was valid then; now the canary is no better."""
    bench = Bench(settings=EvaluatorSettings(alpha=0.1))
    bench.serve()
    bench.rounds(7, v0=1.0)
    assert bench.state.trials[ACTION].test.better(0.1)
    bench.rounds(6, warm=1.0)

    emits = bench.rounds(PLAN.soak_labels - 13)

    assert [emit.data for emit in emits] == []
