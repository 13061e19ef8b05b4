"""Alert thresholds on the Numenta benchmark: pages by its score, a stated rate by how well it is kept.

Both operating points are approved for one signal of one model per series, and the values go through the
threshold tracker's fold; an alarm is what its emits say. One setting for all series; labels are only used to score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from homeostat.events import ActionApplied, Band, ModelRegistered, SignalObserved, ThresholdMoved
from homeostat.services.threshold_tracker.fold import ThresholdTracker
from homeostat_lab.evaluation import nab
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, bootstrap_row
from homeostat_lab.evaluation.threshold_baselines import (
    CALIBRATION_RATIO,
    PAGE_BASELINES,
    RATE_BASELINES,
    Alarms,
    pages,
    random_alarms,
)

TASK: Final = "thresholds"
RATE: Final = 0.01
"""Stated alarm rate, and the reciprocal of the least distance of two pages."""

PAGE_BAND: Final = Band(signal="value", operating_point="page", rate=RATE, low=0.0, high=10.0, eta=0.5)
RATE_BAND: Final = Band(signal="value", operating_point="rate", rate=RATE, low=-1e30, high=1e30, eta=0.5)

_WINDOW: Final = 500
_DRAWS: Final = 20
"""Repetitions of random alarms, averaged."""

_PROBATION: Final = (
    "the first 15 % of a series are scored for nobody, as methods learn there "
    "(of pages at most 750 rows: NAB's probation)"
)
_MODEL: Final = "evaluation/series"
_MOST_POINTS: Final = 2000


@dataclass(frozen=True, slots=True)
class Run:
    """What the fold said about a series.

    Args:
        series: The series.
        pages: Rows that paged.
        above: Rows above the threshold at the stated rate.
        thresholds: Rows at which a threshold was told, and those thresholds.
    """

    series: nab.Series
    pages: list[int]
    above: Alarms
    thresholds: tuple[list[int], list[float]]


@dataclass(frozen=True, slots=True)
class Kept:
    """How a stated rate was kept on one series, after the first 15 %.

    Args:
        rate: Realised.
        worst: Highest share of alarms in any 500 rows in a row; in all rows, if there are fewer.
    """

    rate: float
    worst: float


def evaluate(job: Job) -> Result:
    """Score both operating points and their baselines."""
    folder = job.folder("nab")
    runs = []
    for series in nab.read_series(folder):
        runs.append(run(series))
        job.say(f"{series.name}: {len(series.values)} rows, {len(runs[-1].pages)} pages")
    ours = [nab.score(run.pages, run.series.windows, len(run.series.values)) for run in runs]
    baselines = {name: _page_baseline(runs, name) for name in PAGE_BASELINES}
    job.say("baselines and published detectors")
    rows = _page_rows({OURS: ours, **baselines, "random": _random_pages(runs)})
    published, left_out = _published(job, runs)
    for method, scores in published.items():
        rows.append(bootstrap_row(TASK, "nab_standard_score", "page", method, scores, _standard))
    rows += _rate_rows(runs)
    return Result(rows, [_example(runs), _by_series(runs, ours, baselines)], [_PROBATION, *left_out])


def run(series: nab.Series) -> Run:
    """Feed a series to the threshold tracker, with a band for each operating point from the first row on."""
    feeder = Feeder(ThresholdTracker())
    feeder.publish(_MODEL, ModelRegistered(family="series", champion="v1", model=_MODEL))
    for band in (PAGE_BAND, RATE_BAND):
        applied = ActionApplied(
            action="a", command="c", kind="threshold", family="evaluation/series", model=_MODEL, band=band
        )
        feeder.publish(_MODEL, applied)
    paged, above, is_above = list[int](), np.zeros(len(series.values), np.bool_), False
    told: tuple[list[int], list[float]] = ([], [])
    for row, value in enumerate(series.values.tolist()):
        for emit in feeder.publish(_MODEL, SignalObserved(layer="service", name="value", value=value)):
            if not isinstance(emit.data, ThresholdMoved):
                continue
            if emit.data.operating_point == "rate":
                is_above = emit.data.is_alert
                told[0].append(row)
                told[1].append(emit.data.threshold)
            elif emit.data.is_alert:
                paged.append(row)
        above[row] = is_above
    return Run(series, paged, above, told)


def kept(alarms: Alarms) -> Kept:
    """Measure a realised rate."""
    rows = alarms[math.floor(CALIBRATION_RATIO * len(alarms)) :]
    sums = np.concatenate([[0], np.cumsum(rows)])
    window = min(_WINDOW, len(rows))
    return Kept(float(rows.mean()), float((sums[window:] - sums[:-window]).max()) / window)


def _page_baseline(runs: Sequence[Run], name: str) -> list[nab.Score]:
    alarm, rate = PAGE_BASELINES[name]
    return [
        nab.score(pages(alarm(run.series.values, rate), round(1.0 / RATE)), run.series.windows, len(run.series.values))
        for run in runs
    ]


def _random_pages(runs: Sequence[Run]) -> list[nab.Score]:
    """Score as many pages as ours by chance; the mean over draws."""
    share = sum(len(run.pages) for run in runs) / sum(len(run.series.values) for run in runs)
    mean = []
    for run in runs:
        n, windows = len(run.series.values), run.series.windows
        drawn = [
            nab.score(np.flatnonzero(random_alarms(run.series.values, share, seed=seed)).tolist(), windows, n)
            for seed in range(_DRAWS)
        ]
        raw = sum(score.raw for score in drawn) / _DRAWS
        hits, false = (sum(values) / _DRAWS for values in zip(*((s.n_hit, s.n_false) for s in drawn), strict=True))
        mean.append(nab.Score(raw, len(windows), hits, false))
    return mean


def _published(job: Job, runs: Sequence[Run]) -> tuple[dict[str, list[nab.Score]], list[str]]:
    """Score the published detectors whose scores are there for every series, at the thresholds NAB tuned for them.

    Returns:
        Scores by method; a note on those that are left out.
    """
    folder = job.folder("nab")
    thresholds = nab.read_thresholds(folder)
    tables = [nab.read_published(folder, run.series) for run in runs]
    partly = sorted(name for name in thresholds if not all(name in table for table in tables))
    notes = [f"published detectors without scores for every series are left out: {', '.join(partly)}"] if partly else []
    scores = {
        f"{name} (published)": [
            nab.score(
                np.flatnonzero(table[name] >= thresholds[name]).tolist(), run.series.windows, len(run.series.values)
            )
            for run, table in zip(runs, tables, strict=True)
        ]
        for name in sorted(thresholds)
        if name not in partly
    }
    return scores, notes


def _page_rows(scores: dict[str, list[nab.Score]]) -> list[Row]:
    rows = []
    for method, of_method in scores.items():
        row = partial(bootstrap_row, TASK, setting="page", method=method, units=of_method)
        rows.append(row("nab_standard_score", statistic=_standard))
        rows.append(row("windows_hit", statistic=_share_hit))
        rows.append(row("false_pages_per_series", statistic=_false_per_series))
    return rows


def _rate_rows(runs: Sequence[Run]) -> list[Row]:
    alarms = {OURS: [run.above for run in runs]}
    for name, alarm in RATE_BASELINES.items():
        alarms[name] = [alarm(run.series.values, RATE) for run in runs]
    alarms["random"] = [random_alarms(run.series.values, RATE, seed=seed) for seed, run in enumerate(runs)]
    rows = []
    for method, of_method in alarms.items():
        row = partial(bootstrap_row, TASK, setting=f"rate {RATE:.0%}", method=method, units=[*map(kept, of_method)])
        rows.append(row("alarm_rate", statistic=_mean_rate))
        rows.append(row("mean_absolute_deviation", statistic=_deviation))
        rows.append(row("worst_window_p90", statistic=_worst))
    return rows


def _standard(units: Sequence[nab.Score]) -> float:
    return nab.standard_score(units)


def _share_hit(units: Sequence[nab.Score]) -> float:
    n_windows = sum(unit.n_windows for unit in units)
    return sum(unit.n_hit for unit in units) / n_windows if n_windows else math.nan


def _false_per_series(units: Sequence[nab.Score]) -> float:
    return float(np.mean([unit.n_false for unit in units]))


def _mean_rate(units: Sequence[Kept]) -> float:
    return float(np.mean([unit.rate for unit in units]))


def _deviation(units: Sequence[Kept]) -> float:
    return float(np.mean([abs(unit.rate - RATE) for unit in units]))


def _worst(units: Sequence[Kept]) -> float:
    return float(np.quantile([unit.worst for unit in units], 0.9))


def _example(runs: Sequence[Run]) -> Plot:
    """Show the first series that has a window: signal, threshold at the stated rate, pages, windows.

    Pages are drawn as needles from the lowest value, windows as boxes over the whole range.
    """
    shown = next((run for run in runs if run.series.windows), runs[0])
    values = shown.series.values
    every = max(1, len(values) // _MOST_POINTS)
    rows, thresholds = shown.thresholds
    finite = [(row, value) for row, value in zip(rows, thresholds, strict=True) if abs(value) < RATE_BAND.high]
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        "value": (list(range(0, len(values), every)), values[::every].tolist()),
        "threshold at 1 %": ([row for row, _ in finite], [value for _, value in finite]),
    }
    floor, top = float(values.min()), float(values.max())
    needles = [(row, height) for row in shown.pages for height in (floor, float(values[row]), floor)]
    boxes = [
        corner
        for left, right in shown.series.windows
        for corner in ((left, floor), (left, top), (right, top), (right, floor))
    ]
    lines["pages"] = ([row for row, _ in needles], [height for _, height in needles])
    lines["windows"] = ([row for row, _ in boxes], [height for _, height in boxes])
    return Plot(f"{shown.series.name}: pages and threshold", "row", "value", lines)


def _by_series(runs: Sequence[Run], ours: Sequence[nab.Score], others: dict[str, list[nab.Score]]) -> Plot:
    """Show what each series contributes to the score, best of ours first."""
    n_windows = sum(score.n_windows for score in ours)
    order = sorted(range(len(runs)), key=lambda i: (-ours[i].raw - ours[i].n_windows, i))
    rank = [float(i + 1) for i in range(len(order))]
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for name, scores in {OURS: list(ours), **others}.items():
        points = [50.0 * (scores[i].raw + scores[i].n_windows) / max(1, n_windows) for i in order]
        lines[name] = (rank, points)
    return Plot("points of 100 by series", "series, best of ours first", "points", lines)
