"""Configurations tried in order on a new data set, after others were searched: how far from the best after K."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from homeostat.core import Emit
from homeostat.events import AdviceGiven
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.stats.portable import FloatArray
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.grids import Grid, read_runs
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, mean_row

TASK: Final = "warm-start"
_METRIC: Final = "regret"
_FOLDER: Final = "tst-svm"
_SUBJECT: Final = "evaluation/searches"
_TRIALS: Final = (1, 3, 5, 10)
_FIRST: Final = 10
"""Data sets that arrive before the first one that is scored, in the prequential setting; half of them if few."""
_RANDOM_DRAWS: Final = 100

Curves = dict[str, list[FloatArray]]
"""By method: (trials,) regret of each data set."""


def evaluate(job: Job) -> Result:
    """Run it: each data set left out once, and all in random orders, where each sees only the earlier ones."""
    grid = read_runs(job.folder(_FOLDER))
    n = len(grid.data_sets)
    left_out: Curves = {}
    order = np.random.default_rng(0).permutation(n).tolist()
    for place, i in enumerate(order):
        earlier = [j for j in order if j != i]
        feeder = _fed(grid, earlier)
        _add(left_out, grid, earlier, i, search(feeder, grid, i))
        job.say(f"left out {place + 1} of {n}")
    arriving: Curves = {}
    for seed in range(job.seeds):
        order = np.random.default_rng(seed).permutation(n).tolist()
        first = min(_FIRST, n // 2)
        feeder = _fed(grid, order[:first])
        for place in range(first, n):
            _add(arriving, grid, order[:place], order[place], search(feeder, grid, order[place]))
            feeder.publish_all(_SUBJECT, grid.episodes([order[place]]))
        job.say(f"order {seed + 1} of {job.seeds}")
    rows = [*_rows(left_out, "leave-one-out"), *_rows(arriving, "prequential")]
    first = min(_FIRST, n // 2)
    notes = [f"prequential: the first {first} data sets of an order are learned from and not scored", *grid.notes]
    return Result(rows, [_plot(left_out, "leave-one-out"), _plot(arriving, "prequential")], notes)


def search(feeder: Feeder[Any], grid: Grid, data_set: int) -> list[int]:
    """Search a data set by the learner's advice, telling it each result; return the options in the order tried.

    Args:
        feeder: Of the learner; changed.
        grid: Results of all configurations.
        data_set: Index in the grid.
    """
    question, places = grid.question(data_set, shadows=False), grid.places
    tried: list[int] = []
    for _ in range(min(max(_TRIALS), len(question.options))):
        given = advice(feeder.publish(_SUBJECT, question))
        tried.append(places[given.options[0].configuration])
        feeder.publish(_SUBJECT, grid.episode(data_set, tried[-1]))
    return tried


def advice(emits: Sequence[Emit]) -> AdviceGiven:
    """Return the answer among what the learner said.

    Raises:
        ValueError: It said something else, or nothing.
    """
    match emits:
        case [Emit(data=AdviceGiven() as given)]:
            return given
    raise ValueError(f"expected one answer, got {emits}")


def _fed(grid: Grid, data_sets: Sequence[int]) -> Feeder[Any]:
    feeder = Feeder(TrainingAdvisor())
    feeder.publish_all(_SUBJECT, grid.episodes(data_sets))
    return feeder


def _add(curves: Curves, grid: Grid, earlier: Sequence[int], data_set: int, ours: list[int]) -> None:
    """Add the regret of our search and of the baselines."""
    there = np.isfinite(grid.results[data_set])
    known = grid.results[list(earlier)]
    lists = {OURS: ours, "portfolio": _portfolio(known, there), "average-rank": _average_rank(known, there)}
    for method, tried in lists.items():
        curves.setdefault(method, []).append(_regret(grid.results[data_set], tried))
    generator, options = np.random.default_rng(data_set), np.flatnonzero(there)
    drawn = [_regret(grid.results[data_set], generator.permutation(options).tolist()) for _ in range(_RANDOM_DRAWS)]
    curves.setdefault("random", []).append(np.mean(drawn, axis=0))


def _regret(results: FloatArray, tried: Sequence[int]) -> FloatArray:
    """Return (best - found) / (best - worst) after each of the first trials; the last stays if there are fewer."""
    best, worst = np.nanmax(results), np.nanmin(results)
    found = np.maximum.accumulate(results[list(tried)[: max(_TRIALS)]])
    return (best - np.append(found, np.full(max(_TRIALS) - len(found), found[-1]))) / (best - worst)


def _scores(known: FloatArray) -> FloatArray:
    low, high = np.nanmin(known, 1, keepdims=True), np.nanmax(known, 1, keepdims=True)
    scores: FloatArray = np.nan_to_num((known - low) / (high - low))
    return scores


def _portfolio(known: FloatArray, there: np.typing.NDArray[np.bool_]) -> list[int]:
    """Add, one by one, what raises the mean of the best scores most (Feurer et al. 2022)."""
    scores, tried = _scores(known), list[int]()
    best = np.zeros(len(scores))
    for _ in range(min(max(_TRIALS), int(there.sum()))):
        worth = np.maximum(best[:, None], scores).mean(0)
        worth[~there] = worth[tried] = -1.0
        tried.append(int(worth.argmax()))
        best = np.maximum(best, scores[:, tried[-1]])
    return tried


def _average_rank(known: FloatArray, there: np.typing.NDArray[np.bool_]) -> list[int]:
    ranks = np.nan_to_num(known, nan=-np.inf).argsort(1).argsort(1).mean(0)
    ranks[~there] = -1.0
    ordered: list[int] = np.argsort(-ranks, kind="stable")[: int(there.sum())].tolist()
    return ordered


def _rows(curves: Curves, setting: str) -> list[Row]:
    return [
        mean_row(TASK, _METRIC, f"{setting} @{k}", method, [float(curve[k - 1]) for curve in regrets])
        for k in _TRIALS
        for method, regrets in curves.items()
    ]


def _plot(curves: Curves, setting: str) -> Plot:
    trials = [float(k + 1) for k in range(max(_TRIALS))]
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        method: (trials, np.mean(regrets, axis=0).tolist()) for method, regrets in curves.items()
    }
    return Plot(f"Regret, {setting}", "configurations tried", _METRIC, lines)
