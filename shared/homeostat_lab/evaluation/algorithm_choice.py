"""One algorithm per data set, chosen by its meta-features alone: the share gained of what perfect choice would gain."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.stats.portable import FloatArray
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.grids import Grid, read_matrix
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, bootstrap_row
from homeostat_lab.evaluation.warm_start import advice

TASK: Final = "algorithm-choice"
_FOLDER: Final = "openml-weka-2017"
_SUBJECT: Final = "evaluation/searches"
_FOLDS: Final = 10
_FIRST: Final = 20
"""Data sets that arrive before the first one that is chosen for; half of them if there are few."""
_TREES: Final = 50
_NEIGHBOURS: Final = 10

Rows = NDArray[np.intp]
Chooser = Callable[[Grid, Rows, Rows], list[int]]
"""From the data sets to learn from and those to choose for to the algorithms chosen."""


def evaluate(job: Job) -> Result:
    """Run it: cross-validated by data set, and prequential, where each data set sees only those before it.

    In the second setting no forest is grown: it would have to be grown anew at every arrival.
    """
    grid = read_matrix(job.folder(_FOLDER))
    rows: list[Row] = []
    plots: list[Plot] = []
    online = [method for method in _METHODS if method != "random-forest"]
    for setting, split, methods in (("cross-validated", _folds, list(_METHODS)), ("prequential", _arrivals, online)):
        scores = [_Score(len(grid.data_sets)) for _ in methods]
        for seed in range(job.seeds):
            for known, asked in split(np.random.default_rng(seed).permutation(len(grid.data_sets))):
                single = _result(grid, asked, _single_best(grid, known, asked))
                for method, score in zip(methods, scores, strict=True):
                    score.add(asked, _result(grid, asked, _METHODS[method](grid, known, asked)) - single)
                    score.gaps[asked] += np.nanmax(grid.results[asked], 1) - single
            job.say(f"{setting}: order {seed + 1} of {job.seeds}")
        rows += [score.row(setting, method) for method, score in zip(methods, scores, strict=True)]
        lines = {method: score.line() for method, score in zip(methods, scores, strict=True)}
        plots.append(Plot(f"Gain on the single best, {setting}", "data sets, worst first", "sum of gains", lines))
    first = min(_FIRST, len(grid.data_sets) // 2)
    notes = [
        f"prequential: the first {first} data sets of an order are not scored",
        "prequential: no random-forest, which would have to be grown anew at every arrival",
        "an algorithm without a result on a data set counts as the worst there",
        *grid.notes,
    ]
    return Result(rows, plots, notes)


class _Score:
    """Gains of a method on the single best, and what a perfect choice would gain; by data set, summed over orders."""

    def __init__(self, n: int) -> None:
        self.gains, self.gaps, self.counts = np.zeros(n), np.zeros(n), np.zeros(n)

    def add(self, asked: Rows, gains: FloatArray) -> None:
        self.gains[asked] += gains
        self.counts[asked] += 1.0

    def row(self, setting: str, method: str) -> Row:
        """Return the share of the gap that is closed, with its interval over data sets."""
        scored = self.counts > 0.0
        pairs = list(zip(self.gains[scored].tolist(), self.gaps[scored].tolist(), strict=True))
        return bootstrap_row(TASK, "gap_closed", setting, method, pairs, _share)

    def line(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return the running sum of the mean gains, the worst first."""
        gains = np.sort(self.gains / np.maximum(self.counts, 1.0))
        return [float(i + 1) for i in range(len(gains))], np.cumsum(gains).tolist()


def _share(pairs: Sequence[object]) -> float:
    gain, gap = np.array(pairs, float).sum(0)
    return float(gain / gap) if gap > 0.0 else 0.0


def _folds(order: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Give what is learned from and what is chosen for: nine tenths and one tenth, ten times."""
    n_folds = min(_FOLDS, len(order))
    for fold in range(n_folds):
        yield np.setdiff1d(order, order[fold::n_folds]), order[fold::n_folds]


def _arrivals(order: Rows) -> Iterator[tuple[Rows, Rows]]:
    for place in range(min(_FIRST, len(order) // 2), len(order)):
        yield order[:place], order[place : place + 1]


def _result(grid: Grid, asked: Rows, chosen: list[int]) -> FloatArray:
    """Return what the chosen algorithms reach; one without a result counts as the worst."""
    results = grid.results[asked, chosen]
    return np.where(np.isfinite(results), results, np.nanmin(grid.results[asked], 1))


def _ours(grid: Grid, known: Rows, asked: Rows) -> list[int]:
    feeder: Feeder[Any] = Feeder(TrainingAdvisor())
    feeder.publish_all(_SUBJECT, grid.episodes(known.tolist()))
    given = [advice(feeder.publish(_SUBJECT, grid.question(i, shadows=True))) for i in asked.tolist()]
    return [grid.places[answer.options[0].configuration] for answer in given]


def _single_best(grid: Grid, known: Rows, asked: Rows) -> list[int]:
    return [int(_filled(grid, known).mean(0).argmax())] * len(asked)


def _random_forest(grid: Grid, known: Rows, asked: Rows) -> list[int]:
    """Predict every algorithm's result by one forest each, as algorithm selectors mostly do."""
    features, results = _features(grid), _filled(grid, known)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(features[known])
    x, z = imputer.transform(features[known]), imputer.transform(features[asked])
    forest = RandomForestRegressor(_TREES, max_features=1 / 3, random_state=0)
    predicted = [forest.fit(x, column).predict(z) for column in results.T]
    chosen: list[int] = np.argmax(predicted, axis=0).tolist()
    return chosen


def _nearest(grid: Grid, known: Rows, asked: Rows) -> list[int]:
    """Take what is best on average on the nearest data sets, level by level of the data set taken out."""
    features, results = _features(grid), _filled(grid, known)
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        KNeighborsRegressor(min(_NEIGHBOURS, len(known))),
    )
    model.fit(features[known], results - results.mean(1, keepdims=True))
    chosen: list[int] = model.predict(features[asked]).argmax(1).tolist()
    return chosen


def _features(grid: Grid) -> FloatArray:
    names = sorted({name for line in grid.meta_features for name in line})
    return np.array([[line.get(name, np.nan) for name in names] for line in grid.meta_features])


def _filled(grid: Grid, known: Rows) -> FloatArray:
    """Return results, those that are missing as the worst of their data set."""
    results = grid.results[known]
    return np.where(np.isfinite(results), results, np.nanmin(results, 1, keepdims=True))


_METHODS: Final[dict[str, Chooser]] = {
    OURS: _ours,
    "random-forest": _random_forest,
    "nearest-neighbour": _nearest,
    "single-best": _single_best,
}
