"""After a promotion the old champion is held back, and the outcome stays right."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.outcome_evaluator.evaluator_driver import ACTION, PLAN, EvaluatorDriver, data_of, first, one

from homeostat.core import Emit
from homeostat.events import ActionSettled, Candidate, CandidateEvaluated, OutcomeMeasured, OutcomeRevised
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

WARM = Candidate(arm="warm", version="warm-1", artifact="a" * 64)


def promoted(before: int = 20, **changes: Any) -> EvaluatorDriver:
    """A promotion after `before` labels."""
    driver = EvaluatorDriver(**changes)
    driver.serve()
    driver.rounds(before, v0=1.0)
    driver.serve("promote", champion="warm-1")
    return driver


def after(driver: EvaluatorDriver, n: int, new: float = 0.0, old: float = 1.0) -> list[Emit]:
    """Label `n` requests that the promoted version and the old champion have answered."""
    emits: list[Emit] = []
    for _ in range(n):
        emits += driver.label({"champion/warm-1": [new], "shadow/v0": [old]}, [0.0])
    return emits


def test_rows_that_led_to_a_promotion_do_not_flatter_it() -> None:
    """Lucky before, equal since: no gain. The arms' payoffs are those of the whole horizon."""
    driver = promoted(30)

    after(driver, PLAN.horizon_labels - 30, old=0.0)

    outcome = one(driver.emitted, OutcomeMeasured)
    assert (outcome.gain, outcome.n_labels, outcome.verdict) == (0.0, 30, "cost")
    assert {e.arm: e.payoff for e in data_of(driver.emitted, CandidateEvaluated)} == {"warm": 0.5, "head": 1.0}


def test_few_rows_carry_no_verdict() -> None:
    """The outcome says why, and when there are enough, it says better."""
    driver = promoted(PLAN.horizon_labels - 5)
    after(driver, 5)
    outcome = one(driver.emitted, OutcomeMeasured)
    assert (outcome.verdict, outcome.is_final, outcome.gain) == ("inconclusive", False, 1.0)
    assert outcome.reason == "only 5 rows labelled since the promotion were answered by both versions"

    emits = after(driver, 20)

    revision = one(emits, OutcomeRevised)
    assert (revision.verdict, revision.n_labels, revision.is_final) == ("gain", 20, False)


def test_a_gain_that_does_not_last_is_taken_back() -> None:
    """The old champion would have been better in the end."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)
    assert one(driver.emitted, OutcomeMeasured).verdict == "gain"
    assert not one(driver.emitted, ActionSettled).is_final
    driver.state.holdback.n_left = 300  # type: ignore[union-attr]  # a promotion is followed

    emits = after(driver, 300, new=1.0, old=0.0)

    said = [(revision.verdict, revision.is_final) for revision in data_of(emits, OutcomeRevised)]
    assert said[0] == ("inconclusive", False)
    assert said[-1] == ("regression", True)
    assert (one(emits, ActionSettled).is_final, one(emits, ActionSettled).gain < 0) == (True, True)


def test_an_outcome_that_stays_is_said_once_more_when_it_is_final() -> None:
    """Nothing in between: looking after every row would find a change by chance."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)
    driver.emitted.clear()

    after(driver, PLAN.holdback_labels - 1)
    assert driver.emitted == []
    after(driver, 1)

    assert one(driver.emitted, OutcomeRevised).is_final
    assert one(driver.emitted, ActionSettled).is_final
    assert after(driver, 50) == []


@settings(max_examples=8, deadline=None)
@given(shock=st.lists(st.booleans(), min_size=200, max_size=200), gains=st.integers(0, 200))
def test_what_hits_both_versions_is_not_attributed_to_the_action(shock: list[bool], gains: int) -> None:
    """Another deployment, a broken feature, a holiday: errors of both rise, the gain is that of the difference."""
    calm, shaken = promoted(0), promoted(0)
    for driver, shocks in ((calm, [False] * 200), (shaken, shock)):
        for row, is_hit in enumerate(shocks):
            truth = 0.0
            old = 1.0 if row < gains or is_hit else truth
            new = 1.0 if is_hit and row >= gains else truth
            driver.label({"champion/warm-1": [new], "shadow/v0": [old]}, [truth])

    assert [o.gain for o in data_of(calm.emitted, OutcomeMeasured)] == [
        o.gain for o in data_of(shaken.emitted, OutcomeMeasured)
    ]


def test_without_pairs_nothing_is_attributed() -> None:
    """Whoever does not mirror gets no guess."""
    driver = promoted(PLAN.horizon_labels - 1)
    driver.label({"champion/warm-1": [0.0], "shadow/head-1": [0.0]}, [0.0])
    for _ in range(100):
        driver.label({"champion/warm-1": [0.0]}, [0.0])
    driver.serve("abort", candidates=())

    outcome = one(driver.emitted, OutcomeMeasured)
    assert (outcome.verdict, outcome.gain, outcome.gain_low < 0 < outcome.gain_high) == ("inconclusive", 0.0, True)
    assert "nothing can be attributed" in outcome.reason
    assert outcome.is_final


def test_what_is_held_back_is_no_trial() -> None:
    """The rollout that keeps the old champion, however late it is reported, opens nothing."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)
    driver.serve(step=-1, champion="warm-1", canary=None, weight=0.0, candidates=(WARM,))
    assert driver.state.analysis is None
    after(driver, PLAN.holdback_labels)

    driver.serve(step=-1, champion="warm-1", canary=None, weight=0.0, candidates=(WARM,))

    assert (driver.state.analysis, driver.state.holdback) == (None, None)


def test_a_holdback_that_is_cleared_early_has_the_last_word_early() -> None:
    """Its time is over, or somebody has deployed; clearing again says nothing."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)

    emits = driver.serve(champion="warm-1", canary=None, weight=0.0, candidates=())

    assert one(emits, OutcomeRevised).is_final
    assert driver.serve(champion="warm-1", canary=None, weight=0.0, candidates=()) == []


def test_the_next_action_may_begin_while_the_last_one_is_followed() -> None:
    """Late labels of both still count; the next settlement ends it."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)
    driver.emitted.clear()
    new = (Candidate(arm="head", version="head-2", artifact="a" * 64),)
    driver.serve(action="learner#2.0", champion="warm-1", reference="warm-1", canary="head-2", candidates=new)
    after(driver, 3)
    assert driver.state.holdback is not None
    assert driver.state.holdback.n_left == PLAN.holdback_labels - 3

    emits = driver.serve("abort", action="learner#2.0", champion="warm-1", reference="warm-1", candidates=())

    assert [(type(o), o.action) for o in data_of(emits, OutcomeMeasured)] == [
        (OutcomeRevised, ACTION),
        (OutcomeMeasured, "learner#2.0"),
    ]
    assert driver.state.holdback is None


@pytest.mark.parametrize("is_next_on_its_way", [False, True])
@pytest.mark.parametrize(("to", "state", "gain"), [("v0", "aborted", 0.0), ("warm-1", "promoted", 1.0)])
def test_a_promotion_that_is_reverted_while_it_is_followed_was_none(
    to: str, state: str, gain: float, is_next_on_its_way: bool
) -> None:
    """Unless it is what one went back to; the next action is off in any case."""
    driver = promoted()
    after(driver, PLAN.horizon_labels - 20)
    if is_next_on_its_way:
        driver.serve(action="learner#2.0", champion="warm-1", reference="warm-1", canary="head-1")
    driver.emitted.clear()

    driver.revert(to)

    following = data_of(driver.emitted, OutcomeRevised)
    if is_next_on_its_way or to == "v0":
        assert [(o.action, o.state, o.gain, o.is_final) for o in following] == [(ACTION, state, gain, True)]
    else:
        assert (following, driver.state.holdback is None) == ([], False)
    settled = [(data.action, data.state) for data in data_of(driver.emitted, ActionSettled) if data.action != ACTION]
    assert settled == [("learner#2.0", "aborted")] * is_next_on_its_way


def test_a_plan_without_holdback_is_final_at_once() -> None:
    """Nothing is followed."""
    driver = EvaluatorDriver()
    plan = PLAN.model_copy(update={"holdback_labels": 0})
    driver.serve(plan=plan)
    driver.serve("promote", champion="warm-1", plan=plan)

    driver.rounds(PLAN.horizon_labels, v0=1.0)

    assert one(driver.emitted, OutcomeMeasured).is_final
    assert driver.state.holdback is None


def test_an_arm_that_could_not_be_trained_is_named() -> None:
    """It was chosen, so it is not a skip; its shadows are scored all the same, and the governor clears up."""
    driver = EvaluatorDriver()
    head = (Candidate(arm="head", version="head-1", artifact="a" * 64),)
    driver.serve(step=-1, canary=None, weight=0.0, candidates=head, chosen="warm")

    for _ in range(PLAN.horizon_labels):
        driver.label({"champion/v0": [1.0], "shadow/head-1": [0.0]}, [0.0])

    outcome = first(driver.emitted, OutcomeMeasured)
    assert (outcome.arm, outcome.state, outcome.verdict, outcome.cost) == ("warm", "failed", "cost", PLAN.price)
    assert outcome.reason == "warm could not be trained: nothing was rolled out"
    assert one(driver.emitted, ActionSettled).state == "skipped"
    assert one(driver.emitted, CandidateEvaluated).arm == "head"


def test_evidence_that_has_gone_promotes_nothing() -> None:
    """A crossing early in the soak was valid then; now the canary is no better."""
    driver = EvaluatorDriver(settings=EvaluatorSettings(alpha=0.1))
    driver.serve()
    driver.rounds(7, v0=1.0)
    assert driver.analysis.test.evidence.better(0.1)
    driver.rounds(6, warm=1.0)

    emits = driver.rounds(PLAN.soak_labels - 13)

    assert [emit.data for emit in emits] == []
