"""What every arm was worth, and what the action did."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.unit.outcome_evaluator.evaluator_driver import ACTION, FAMILY, MODEL, PLAN, EvaluatorDriver, data_of, one

from homeostat.events import ActionApplied, ActionSettled, Band, CandidateEvaluated, OutcomeMeasured
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS
from homeostat.services.outcome_evaluator.verdict import verdict_of

VERSIONS = ("champion/v0", "canary/warm-1", "shadow/head-1")


def errors_by_hand(kind: str, said: Any, truth: Any) -> Any:
    """The definition: wrong or right; or the distance in units of the scale, here 1, bent beyond one half."""
    if kind == "classifier":
        return np.where(np.isnan(said), np.nan, said != truth)
    far = np.abs(said - truth)
    return np.where(far > 0.5, 1.0 - 0.25 / np.maximum(far, 0.5), far)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_payoffs_are_what_a_sheet_of_paper_says(kind: str, data: st.DataObject) -> None:
    """Mean and standard error of the champion's error minus the arm's, over the rows that both answered."""
    values = st.integers(0, 2) if kind == "classifier" else st.floats(-3, 3)
    truth = data.draw(arrays(np.float64, 80, elements=values.map(float)))
    cells = st.one_of(values.map(float), values.map(float), st.just(np.nan))
    said = {name: data.draw(arrays(np.float64, 80, elements=cells)) for name in VERSIONS}
    cuts = sorted(data.draw(st.lists(st.integers(1, 79), max_size=4)))
    driver = EvaluatorDriver(kind)
    driver.settle_scale()
    driver.serve()
    driver.serve("abort")
    for part in np.split(np.arange(80), cuts):
        if len(part):
            driver.label({name: said[name][part].tolist() for name in VERSIONS}, truth[part].tolist())
    driver.serve(candidates=(), canary=None, weight=0.0)

    found = {e.version: e for e in data_of(driver.emitted, CandidateEvaluated)}
    errors = {name.partition("/")[2]: errors_by_hand(kind, said[name], truth) for name in VERSIONS}
    paired = ~np.isnan(errors["v0"]) & ~(np.isnan(errors["warm-1"]) & np.isnan(errors["head-1"]))
    horizon = np.flatnonzero(np.cumsum(paired) >= PLAN.horizon_labels)
    ends = [stop for stop in (*cuts, 80) if len(horizon) and stop > horizon[0]]
    used = slice(0, ends[0] if ends else 80)
    for version in ("warm-1", "head-1"):
        payoff = (errors["v0"] - errors[version])[used]
        payoff = payoff[~np.isnan(payoff)]
        if not len(payoff):
            assert version not in found
            continue
        assert found[version].n_labels == len(payoff)
        assert found[version].payoff == pytest.approx(payoff.mean(), abs=1e-8)
        if len(payoff) > 1:
            error = payoff.std(ddof=1) / np.sqrt(len(payoff))
            assert found[version].standard_error == pytest.approx(error, abs=1e-7)


def test_a_promotion_is_measured_at_the_horizon() -> None:
    """Payoffs of both arms to the family, the settlement to the governor, in the action's story."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.rounds(20, v0=1.0)
    driver.serve("promote", champion="warm-1")
    for _ in range(PLAN.horizon_labels - 21):
        driver.label({"champion/warm-1": [0.0], "shadow/v0": [1.0], "shadow/head-1": [1.0]}, [0.0])
    driver.emitted.clear()

    driver.label({"champion/warm-1": [0.0], "shadow/v0": [1.0], "shadow/head-1": [1.0]}, [0.0])

    head, warm = data_of(driver.emitted, CandidateEvaluated)
    assert (warm.arm, warm.version, warm.payoff, warm.n_labels, warm.was_canary) == ("warm", "warm-1", 1.0, 60, True)
    assert head.payoff == pytest.approx(20 / 60)
    assert (head.was_canary, head.seconds) == (False, 2.0)
    outcome = one(driver.emitted, OutcomeMeasured)
    assert (outcome.arm, outcome.state, outcome.verdict) == ("warm", "promoted", "gain")
    assert (outcome.gain, outcome.cost, outcome.n_labels, outcome.exposed) == (1.0, 0.02, 40, 0)
    settled = one(driver.emitted, ActionSettled)
    assert (settled.action, settled.state, settled.gain, settled.kind) == (ACTION, "promoted", 1.0, "retrain")
    assert {(e.log, e.subject) for e in driver.emitted} == {
        (EXPERIENCE, FAMILY),
        (GOVERNANCE, "acme"),
        (INDICATORS, MODEL),
    }
    assert {e.story for e in driver.emitted if e.log != INDICATORS} == {"story"}
    assert driver.state.analysis is None


def test_a_skip_scores_its_shadows() -> None:
    """Nothing is judged; the gain of what serves is nil and free."""
    driver = EvaluatorDriver()
    driver.serve(step=-1, canary=None, weight=0.0)

    driver.rounds(PLAN.horizon_labels, v0=1.0)

    assert [e.payoff for e in data_of(driver.emitted, CandidateEvaluated)] == [1.0, 1.0]
    outcome = one(driver.emitted, OutcomeMeasured)
    assert (outcome.arm, outcome.state, outcome.verdict, outcome.gain, outcome.cost) == (
        "skip",
        "skipped",
        "inconclusive",
        0.0,
        0.0,
    )


@pytest.mark.parametrize("kind", ["retrain", "rollout"])
def test_an_outcome_is_of_the_kind_of_its_action(kind: str) -> None:
    """What was trained elsewhere was only rolled out."""
    driver = EvaluatorDriver()
    driver.serve(kind=kind)

    driver.serve("abort", candidates=(), kind=kind)

    assert (one(driver.emitted, OutcomeMeasured).kind, one(driver.emitted, ActionSettled).kind) == (kind, kind)


def test_a_retrain_without_candidates_has_failed() -> None:
    """Governor and family hear it."""
    driver = EvaluatorDriver()

    driver.fail("retrain")

    assert one(driver.emitted, OutcomeMeasured).state == one(driver.emitted, ActionSettled).state == "failed"
    assert one(driver.emitted, ActionSettled).action == ACTION


def test_a_failure_that_is_no_failed_training_settles_nothing() -> None:
    """A rollout is the governor's matter; a training command read again after a crash was carried out before."""
    driver = EvaluatorDriver()
    assert driver.fail("rollout") == driver.fail("threshold") == []
    driver.serve()

    assert driver.fail("retrain") == []
    assert driver.analysis.action == ACTION


def test_what_is_cleared_before_the_horizon_has_expired() -> None:
    """With the payoffs so far; clearing again says nothing more."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.rounds(5, v0=1.0)

    driver.serve("abort", candidates=())
    driver.serve("abort", candidates=())

    assert [e.n_labels for e in data_of(driver.emitted, CandidateEvaluated)] == [5, 5]
    assert one(driver.emitted, OutcomeMeasured).state == "expired"
    assert one(driver.emitted, ActionSettled).state == "expired"


def test_what_was_promoted_and_then_cleared_stays_promoted() -> None:
    """The horizon was not reached, that is all."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.serve("promote", champion="warm-1")

    driver.serve("abort", candidates=())

    assert one(driver.emitted, OutcomeMeasured).state == "promoted"
    assert data_of(driver.emitted, CandidateEvaluated) == []


@pytest.mark.parametrize("is_promoted", [False, True])
def test_a_revert_ends_the_trial_as_aborted(is_promoted: bool) -> None:
    """Even what was promoted: it does not serve any more, so it gains nothing."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.rounds(10, v0=1.0)
    if is_promoted:
        driver.serve("promote", champion="warm-1")

    driver.revert()

    assert one(driver.emitted, OutcomeMeasured).state == one(driver.emitted, ActionSettled).state == "aborted"
    assert one(driver.emitted, OutcomeMeasured).gain == 0.0
    assert [e.n_labels for e in data_of(driver.emitted, CandidateEvaluated)] == [10, 10]
    assert driver.state.analysis is None
    assert [e.log for e in driver.revert()] == [INDICATORS]


def test_a_new_action_ends_a_trial_that_nobody_cleared() -> None:
    """A model serves the candidates of one action: those of the old one get no answers any more."""
    driver = EvaluatorDriver()
    driver.serve()
    driver.rounds(5)

    driver.serve(action="learner#2.0")

    assert one(driver.emitted, ActionSettled).action == ACTION
    assert driver.analysis.action == "learner#2.0"


def test_what_is_no_rollout_is_no_trial() -> None:
    """A threshold's band."""
    driver = EvaluatorDriver()
    band = Band(signal="u", rate=0.01, low=0.0, high=1.0, eta=0.5)

    driver.step(ActionApplied(action="t", command="c", kind="threshold", family=FAMILY, model=MODEL, band=band))

    assert driver.state.analysis is None


@given(low=st.floats(-1, 1), width=st.floats(0, 1), cost=st.floats(0, 0.5), changed=st.booleans())
def test_an_outcome_has_the_name_of_its_interval(low: float, width: float, cost: float, changed: bool) -> None:
    """Gain only if it surely pays, regression only if it surely harms."""
    verdict = verdict_of(low, low + width, cost, changed=changed)

    if not changed:
        assert verdict == ("cost" if cost > 0 else "inconclusive")
    else:
        assert (verdict == "gain") == (low > cost)
        assert (verdict == "regression") == (low + width < 0)
        assert (verdict == "cost") == (0 <= low + width < cost)
