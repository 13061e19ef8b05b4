"""A/A canaries through the evaluator's fold: how often a candidate that is no worse is aborted."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.outcome_evaluator.evaluator_driver import FAMILY, rollout_of

from homeostat.events import ActionApplied, Answer, CanaryJudged, Labels, ModelRegistered, Plan
from homeostat.events.columns import F8
from homeostat.services.outcome_evaluator.fold import OutcomeEvaluator
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat_lab.evaluation.feeding import Feeder

N = 1000
LABELS, BATCH = 160, 20
PLAN = Plan(steps=(0.1,), soak_labels=LABELS, horizon_labels=LABELS, label_limit=LABELS, price=0.0)
ERROR = 0.05
INCIDENT = slice(40, 100)


def judged(wrong: NDArray[np.bool_], number: int) -> set[str]:
    """Let champion and canary answer the same requests; return what was said of the canary.

    Args:
        wrong: (2, rows) of champion and canary; the truth is 0.
        number: Of the model.
    """
    feeder, model = Feeder(OutcomeEvaluator()), f"acme/m{number}"
    feeder.publish(model, ModelRegistered(family="cameras", champion="v0"))
    rollout = rollout_of("a", model=model, canary="warm-1", weight=0.1, plan=PLAN)
    applied = ActionApplied(
        action="a", command="c", kind="rollout", family=FAMILY, model=model, rollout=rollout, rollout_verb="set"
    )
    feeder.publish(model, applied)
    said, sure = set[str](), np.full(BATCH, 0.5, F8).tobytes()
    for start in range(0, wrong.shape[1], BATCH):
        champion, canary = (one[start : start + BATCH].astype(F8).tobytes() for one in wrong)
        none = bytes(8 * BATCH)
        answers = [Answer("v0", "champion", champion, sure), Answer("warm-1", "canary", canary, sure)]
        labels = Labels([f"r{start + i}" for i in range(BATCH)], none, none, answers, none)
        said |= {data.judgement for data in feeder.publish_all(model, [labels]) if isinstance(data, CanaryJudged)}
    return said


@pytest.mark.parametrize("is_shared", [False, True])
def test_null_canaries_are_aborted_no_more_often_than_stated(is_shared: bool) -> None:
    """1,000 canaries that err as often as the champion, on a quiet day and in an incident that both go through.

    Errors come four times as often in the incident. At most alpha of the canaries and three standard errors (1.9 %).
    """
    alpha = EvaluatorSettings().alpha
    rates = np.full(LABELS, ERROR)
    rates[INCIDENT] *= 4.0 if is_shared else 1.0
    wrong = np.random.default_rng((4, is_shared)).random((N, 2, LABELS)) < rates

    aborted = sum("abort" in judged(one, number) for number, one in enumerate(wrong))

    assert aborted / N <= alpha + 3.0 * (alpha * (1.0 - alpha) / N) ** 0.5


def test_a_canary_with_an_incident_of_its_own_is_aborted() -> None:
    """The same incident, met by the canary alone, is seen nearly always: the gate above is no sleeper's."""
    rates = np.full((2, LABELS), ERROR)
    rates[1, INCIDENT] = 0.5
    wrong = np.random.default_rng(5).random((50, 2, LABELS)) < rates

    assert sum("abort" in judged(one, number) for number, one in enumerate(wrong)) >= 45
