"""A step of a canary lasts as long as it must in labels and in time; what harms is not waited for."""

from collections.abc import Sequence

import pytest
from tests.unit.outcome_evaluator.evaluator_driver import PLAN, EvaluatorDriver

from homeostat.core import Emit
from homeostat.events import CanaryJudged, ClockTicked

HOUR_MS = 3_600_000
SLOW = PLAN.model_copy(update={"soak_seconds": 3_600.0})


@pytest.fixture
def driver() -> EvaluatorDriver:
    """A canary that must soak for an hour and 20 labels."""
    driver = EvaluatorDriver()
    driver.now = 10**12
    driver.serve(plan=SLOW)
    return driver


def judgements(emits: Sequence[Emit]) -> list[str]:
    """What was judged."""
    return [emit.data.judgement for emit in emits if isinstance(emit.data, CanaryJudged)]


def tick(driver: EvaluatorDriver) -> list[str]:
    """Let the time come that it waits for."""
    due = driver.fold.wake_at(driver.state)
    assert due is not None
    driver.now = due
    return judgements(driver.step(ClockTicked(due=due)))


def test_labels_alone_do_not_end_a_step(driver: EvaluatorDriver) -> None:
    """The clock does, once: there is nothing to wait for after it."""
    began = driver.now
    assert judgements(driver.rounds(40, v0=1.0)) == []

    assert tick(driver) == ["promote"]

    assert driver.now == (began or 0) + HOUR_MS
    assert driver.fold.wake_at(driver.state) is None


def test_time_alone_does_not_end_a_step(driver: EvaluatorDriver) -> None:
    """Nothing wakes it before the labels are there; the first one that suffices is enough."""
    assert driver.fold.wake_at(driver.state) is None
    assert driver.now is not None
    driver.now += 2 * HOUR_MS

    assert judgements(driver.rounds(19, v0=1.0)) == []
    assert judgements(driver.rounds(1, v0=1.0)) == ["promote"]


def test_what_harms_is_aborted_at_once(driver: EvaluatorDriver) -> None:
    """A soak is for what looks good."""
    assert judgements(driver.rounds(15, warm=1.0)) == ["abort"]


def test_a_look_that_says_nothing_yet_is_followed_by_labels(driver: EvaluatorDriver) -> None:
    """The clock asks once; no hint either way, so it goes on with what comes."""
    driver.rounds(30)
    assert tick(driver) == []
    assert driver.fold.wake_at(driver.state) is None

    assert judgements(driver.rounds(20, v0=1.0))[:1] in (["continue"], ["promote"])


def test_each_step_soaks_anew_and_a_command_that_is_set_again_is_no_step(driver: EvaluatorDriver) -> None:
    """A hand that failed and was asked again does not begin the hour again."""
    driver.rounds(40, v0=1.0)
    assert driver.now is not None
    driver.now += HOUR_MS // 2
    driver.serve(plan=SLOW)
    assert driver.fold.wake_at(driver.state) == 10**12 + HOUR_MS
    tick(driver)

    driver.serve(plan=SLOW, step=1)
    began = driver.now
    driver.rounds(20, v0=1.0)

    assert driver.fold.wake_at(driver.state) == began + HOUR_MS
    assert driver.analysis.test.step == 1


def test_a_plan_without_a_soak_in_time_never_wakes_anybody() -> None:
    """As before."""
    driver = EvaluatorDriver()
    driver.serve()

    assert judgements(driver.rounds(20, v0=1.0)) == ["promote"]
    assert driver.fold.wake_at(driver.state) is None
