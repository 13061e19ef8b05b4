"""Predictions and what came: each answer is scored once, before the run that it was about is learned.

The baseline's expectation is scored beside, on the same runs: without one an answer is not scored.
"""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, IndicatorComputed
from homeostat.events.logs import INDICATORS

_MOST: Final = 1024
"""Answers that wait for their run; the oldest leave."""
_PER_ANSWER: Final = 16
"""Options of one answer that are remembered: the best ones."""


@dataclass(slots=True)
class Prediction:
    """What was answered of a run that may come.

    Args:
        expected: Result, or seconds.
        low: Lower end of the 90 % interval.
        high: Upper end.
        baseline: What one would expect without meta-learning.
    """

    expected: float
    low: float
    high: float
    baseline: float


@dataclass(slots=True)
class Score:
    """How the answers to one kind of question have done.

    Args:
        n: Answers whose run has come.
        error: Sum of absolute errors; for seconds, of shares of what it took.
        error_baseline: The same of the baseline.
        covered: How many runs the interval held.
    """

    n: int = 0
    error: float = 0.0
    error_baseline: float = 0.0
    covered: int = 0

    def update(self, prediction: Prediction, value: float, unit: float) -> None:
        """Score a prediction.

        Args:
            prediction: As answered.
            value: That came.
            unit: Error that counts as 1, > 0.
        """
        self.n += 1
        self.error += abs(prediction.expected - value) / unit
        self.error_baseline += abs(prediction.baseline - value) / unit
        self.covered += prediction.low <= value <= prediction.high

    def indicators(self, family: str, question: str) -> list[Emit]:
        """Publish the means so far.

        Args:
            family: `scope/family`.
            question: Kind of question that the answers are to.
        """
        totals = {
            "advice_error": self.error,
            "advice_error_baseline": self.error_baseline,
            "advice_coverage_ratio": float(self.covered),
        }
        return [
            Emit(
                INDICATORS,
                IndicatorComputed(model=family, name=f"{name}.{question}", value=total / self.n, n=self.n),
                family,
            )
            for name, total in totals.items()
        ]


@dataclass(slots=True)
class CalibrationLog:
    """Answers that wait for their run, and how those have done whose run has come.

    Args:
        predictions: By question, task, configuration, rows and metric; the oldest first.
        scores: By question.
    """

    predictions: dict[str, Prediction] = field(default_factory=dict)
    scores: dict[str, Score] = field(default_factory=dict)

    def record_prediction(self, request: AdviceRequested, given: AdviceGiven) -> None:
        """Remember what was answered of options; a later answer to the same question replaces it.

        Args:
            request: The question.
            given: Its answer.
        """
        of_seconds = request.question == "seconds"
        metric = "" if of_seconds else f"{request.metric} {request.is_loss}"
        for each in given.options[:_PER_ANSWER]:
            if each.baseline is None or each.low == each.high:  # has been run
                continue
            key = _key(request.question, request.task, each.configuration, each.rows, metric)
            self.predictions.pop(key, None)
            self.predictions[key] = Prediction(each.expected, each.low, each.high, each.baseline)
            if len(self.predictions) > _MOST:
                del self.predictions[next(iter(self.predictions))]

    def score_prediction(self, family: str, run: EpisodeRecorded) -> tuple[Emit, ...]:
        """Score what was answered of a run, which then waits no more.

        Args:
            family: `scope/family`.
            run: With a task and a configuration.

        Returns:
            Per question: `advice_error`, `advice_error_baseline` and `advice_coverage_ratio`.
        """
        emits = list[Emit]()
        for question in ("configuration", "benefit", "seconds"):
            of_seconds = question == "seconds"
            metric = "" if of_seconds else f"{run.metric} {run.is_loss}"
            key = _key(question, run.task, run.configuration, run.rows, metric)
            if (prediction := self.predictions.pop(key, None)) is None:
                continue
            score = self.scores.setdefault(question, Score())
            if of_seconds:
                score.update(prediction, run.seconds, max(run.seconds, 1e-6))
            else:
                score.update(prediction, run.result, 1.0)
            emits += score.indicators(family, question)
        return tuple(emits)


def _key(question: str, task: str | None, configuration: str | None, rows: int, metric: str) -> str:
    """Return the key of an answer; of a configuration nobody asks on how many rows."""
    return f"{question} {task} {configuration} {0 if question == 'configuration' else rows} {metric}"
