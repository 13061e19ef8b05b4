"""Answers are scored when their run comes, beside what one would have expected without them."""

import pytest
from tests.unit.training_advisor.curves import LEARNERS, curves, question, run

from homeostat.events import AdviceGiven, IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.services.training_advisor.state import State
from homeostat_lab.evaluation.feeding import Feeder

_FAMILY = "acme/curves"


def taught(n_tasks: int = 12) -> Feeder[State]:
    feeder = Feeder(TrainingAdvisor())
    for episode in curves(n_tasks):
        feeder.publish(_FAMILY, episode)
    for learner in range(len(LEARNERS)):
        for rows in (64, 128, 256):
            feeder.publish(_FAMILY, run(99, learner, rows))
    return feeder


def scores(feeder: Feeder[State], learner: int, rows: int, **changes: object) -> dict[str, float]:
    """Indicators that the run leads to."""
    emits = feeder.publish(_FAMILY, run(99, learner, rows).model_copy(update=changes))
    assert {(emit.log, emit.subject) for emit in emits} <= {(INDICATORS, _FAMILY)}
    return {emit.data.name: emit.data.value for emit in emits if isinstance(emit.data, IndicatorComputed)}


@pytest.mark.parametrize("kind", ["benefit", "seconds"])
def test_an_answer_is_scored_by_its_run_beside_the_baseline(kind: str) -> None:
    """Errors are those of what was said before; seconds count by what the run took."""
    feeder = taught()
    given = feeder.publish(_FAMILY, question(99, 0, 1024, kind=kind))[0].data
    assert isinstance(given, AdviceGiven)
    said = given.options[0]
    assert said.baseline is not None

    found, came = scores(feeder, 0, 1024), run(99, 0, 1024)

    value, unit = (came.seconds, came.seconds) if kind == "seconds" else (came.result, 1.0)
    assert found[f"advice_error.{kind}"] == pytest.approx(abs(said.expected - value) / unit)
    assert found[f"advice_error_baseline.{kind}"] == pytest.approx(abs(said.baseline - value) / unit)
    assert found[f"advice_coverage_ratio.{kind}"] == float(said.low <= value <= said.high)


def test_an_answer_is_scored_once_and_a_run_that_nobody_asked_for_is_not() -> None:
    """Nor one on another number of rows, or of another metric."""
    feeder = taught()
    feeder.publish(_FAMILY, question(99, 0, 1024))

    assert scores(feeder, 0, 512) == scores(feeder, 1, 1024) == {}
    assert scores(feeder, 0, 1024, metric="f1") == {}
    assert scores(feeder, 0, 1024) != {}
    assert scores(feeder, 0, 1024) == {}


def test_a_held_out_task_is_scored_and_teaches_nothing() -> None:
    """That is what it is held out for."""
    feeder = taught()
    before = feeder.publish(_FAMILY, question(99, 0, 1024))[0].data

    assert scores(feeder, 0, 1024, held_out=True) != {}
    assert feeder.publish(_FAMILY, question(99, 0, 1024))[0].data == before


def test_advice_beats_its_baselines_on_tasks_to_come() -> None:
    """On made-up curves, over the runs of eight further tasks."""
    feeder = taught(20)
    found: dict[str, float] = {}
    for task in range(200, 208):
        for learner in range(len(LEARNERS)):
            for rows in (64, 91, 128, 181, 256):
                feeder.publish(_FAMILY, run(task, learner, rows))
            for kind in ("benefit", "seconds"):
                feeder.publish(_FAMILY, question(task, learner, 512, kind=kind))
            emits = feeder.publish(_FAMILY, run(task, learner, 512))
            found |= {emit.data.name: emit.data.value for emit in emits if isinstance(emit.data, IndicatorComputed)}

    for kind in ("benefit", "seconds"):
        assert found[f"advice_error.{kind}"] < 0.8 * found[f"advice_error_baseline.{kind}"]
        assert found[f"advice_coverage_ratio.{kind}"] > 0.6
