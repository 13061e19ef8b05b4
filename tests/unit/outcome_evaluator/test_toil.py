"""Hours that nobody had to spend."""

import pytest
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver, indicators

from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.toil import MONTH_MS


def test_hours_saved_are_those_of_the_month() -> None:
    """A retrain, a way back, a threshold: each as long as it takes by hand; a skip saves nothing."""
    by_hand = EvaluatorSettings(retrain_minutes=60.0, rollback_minutes=30.0)
    driver = EvaluatorDriver(settings=by_hand)
    driver.serve(step=-1, canary=None, weight=0.0)
    driver.rounds(PLAN.horizon_labels)
    assert indicators(driver.emitted, "toil_hours_saved") == []

    driver.serve(action="learner#2.0")
    driver.serve("abort", action="learner#2.0")
    driver.rounds(PLAN.horizon_labels)
    driver.revert()
    driver.now = MONTH_MS
    driver.serve(action="learner#3.0")
    driver.serve("promote", action="learner#3.0", champion="warm-1")
    driver.rounds(PLAN.horizon_labels)

    assert indicators(driver.emitted, "toil_hours_saved") == [1.5, 2.0, 1.0]


@pytest.mark.parametrize(
    ("canary", "is_aborted", "minutes"), [("warm-1", False, 80.0), ("warm-1", True, 100.0), (None, False, 20.0)]
)
def test_going_back_during_a_trial_is_one_way_back(canary: str | None, is_aborted: bool, minutes: float) -> None:
    """A retrain with its roll-out, and the way back: of the canary, or after it was aborted of the champion.

    Where only shadows were scored, it is the way back alone.
    """
    driver = EvaluatorDriver()
    driver.serve(canary=canary, weight=0.0, step=-1 if canary is None else 0)
    if is_aborted:
        driver.serve("abort")

    driver.revert()

    assert indicators(driver.emitted, "toil_hours_saved")[-1] == pytest.approx(minutes / 60.0)
