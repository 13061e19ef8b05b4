"""What was answered, compared with what came: each answer is scored once, before the run that it was about is learned.

The baseline's expectation is scored beside, on the same runs: without one an answer is not scored.
"""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Emit
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, IndicatorComputed
from homeostat.events.logs import INDICATORS

_MOST: Final = 1024
"""Answers that wait for their run; the oldest leave."""
_PER_ANSWER: Final = 16
"""Options of one answer that are remembered: the best ones."""


@dataclass(slots=True)
class Promise:
    """What was said of a run that may come.

    Args:
        question: That was asked.
        expected: Result, or seconds.
        low: Lower end of the 90 % interval.
        high: Upper end.
        baseline: What one would expect without meta-learning.
    """

    question: str
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


def promise(promises: dict[str, Promise], request: AdviceRequested, given: AdviceGiven) -> None:
    """Remember what was said of options; a later answer to the same question replaces it."""
    of_seconds = request.question == "seconds"
    for each in given.options[:_PER_ANSWER]:
        if each.baseline is None or each.low == each.high:  # has been run
            continue
        metric = "" if of_seconds else f"{request.metric} {request.is_loss}"
        key = _key(request.question, request.task, each.configuration, each.rows, metric)
        promises.pop(key, None)
        promises[key] = Promise(request.question, each.expected, each.low, each.high, each.baseline)
        if len(promises) > _MOST:
            del promises[next(iter(promises))]


def kept(
    promises: dict[str, Promise], scores: dict[str, Score], family: str, episode: EpisodeRecorded
) -> tuple[Emit, ...]:
    """Score what was said of a run.

    Args:
        promises: Those that the run was waited for leave.
        scores: By question; changed.
        family: `scope/family`.
        episode: The run; it has a task and a configuration.

    Returns:
        Per question: `advice_error`, `advice_error_baseline` and `advice_coverage_ratio`.
    """
    emits = []
    for question in ("configuration", "benefit", "seconds"):
        of_seconds = question == "seconds"
        metric = "" if of_seconds else f"{episode.metric} {episode.is_loss}"
        said = promises.pop(_key(question, episode.task, episode.configuration, episode.rows, metric), None)
        if said is None:
            continue
        value = episode.seconds if of_seconds else episode.result
        unit = max(value, 1e-6) if of_seconds else 1.0
        score = scores.setdefault(question, Score())
        score.n += 1
        score.error += abs(said.expected - value) / unit
        score.error_baseline += abs(said.baseline - value) / unit
        score.covered += said.low <= value <= said.high
        for name, total in (
            ("advice_error", score.error),
            ("advice_error_baseline", score.error_baseline),
            ("advice_coverage_ratio", float(score.covered)),
        ):
            data = IndicatorComputed(model=family, name=f"{name}.{question}", value=total / score.n, n=score.n)
            emits.append(Emit(INDICATORS, data, family))
    return tuple(emits)


def _key(question: str, task: str | None, configuration: str | None, rows: int, metric: str) -> str:
    """Return the key of an answer; of a configuration nobody asks on how many rows."""
    return f"{question} {task} {configuration} {0 if question == 'configuration' else rows} {metric}"
