"""The Numenta Anomaly Benchmark's data and score.

Source: Lavin & Ahmad 2015, "Evaluating real-time anomaly detection algorithms"; NAB v1.1, `nab/scorer.py` and
`nab/sweeper.py`, whose published results this scorer repeats to two decimals.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat_lab.evaluation import tables

PROBATION_RATIO: Final = 0.15
"""Share of a series in which alarms are ignored: a detector may learn there."""

_MOST_PROBATION: Final = 750
_FAR: Final = 3.0
"""Widths of the window before from which on an alarm is entirely false."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What right, missed and false alarms weigh."""

    hit: float = 1.0
    miss: float = 1.0
    false: float = 0.11


STANDARD: Final = Profile()
"""NAB's profile `standard`."""


@dataclass(frozen=True, slots=True)
class Series:
    """A labelled series.

    Args:
        name: `category/file.csv`.
        times: (n,) as written.
        values: (n,).
        windows: First and last row of each window that holds an anomaly, both included, in order.
    """

    name: str
    times: tuple[str, ...]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Rows at the start that are not scored."""
        return probation(len(self.values))


@dataclass(frozen=True, slots=True)
class Score:
    """Of alarms on one series; scores of several series are added before they are normalised.

    Args:
        raw: Weighted sum of hits, misses and false alarms.
        n_windows: Windows.
        n_hit: Of which with an alarm; a mean over draws need not be whole.
        n_false: Alarms outside of windows, after the probation.
    """

    raw: float
    n_windows: int
    n_hit: float
    n_false: float


def probation(n: int) -> int:
    """Return the number of rows at the start of n that are not scored."""
    return min(math.floor(PROBATION_RATIO * n), _MOST_PROBATION)


def score(alarms: Sequence[int], windows: Sequence[tuple[int, int]], n: int, profile: Profile = STANDARD) -> Score:
    """Score the alarms on one series.

    In a window the earliest alarm counts, the more the earlier it is; a window without one is a miss. An alarm
    outside counts against the detector, the less the sooner it follows a window.

    Args:
        alarms: Rows with an alarm, in order.
        windows: First and last row of each, in order and apart.
        n: Rows of the series.
        profile: Weights.
    """
    begin, best, n_false, raw = probation(n), dict[int, float](), 0, 0.0
    for row in alarms:
        if row < begin:
            continue
        inside = next((i for i, (left, right) in enumerate(windows) if left <= row <= right), None)
        if inside is not None:
            left, right = windows[inside]
            gain = _sigmoid(-(right - row + 1.0) / (right - left + 1.0)) / _sigmoid(-1.0)
            best[inside] = max(best.get(inside, -math.inf), gain)
            continue
        n_false += 1
        before = [window for window in windows if window[1] < row]
        if before:
            left, right = before[-1]
            # A window of one row has no width to measure by: what follows it is far.
            raw += profile.false * (_sigmoid((row - right) / (right - left)) if right > left else -1.0)
        else:
            raw -= profile.false
    raw += profile.hit * sum(best.values()) - profile.miss * (len(windows) - len(best))
    return Score(raw, len(windows), len(best), n_false)


def standard_score(scores: Iterable[Score], profile: Profile = STANDARD) -> float:
    """Return 100 for every window hit at its first row without a false alarm, 0 for silence; NaN without windows."""
    listed = list(scores)
    n_windows = sum(score.n_windows for score in listed)
    if not n_windows:
        return math.nan
    silent = -profile.miss * n_windows
    return 100.0 * (sum(score.raw for score in listed) - silent) / (profile.hit * n_windows - silent)


def read_series(folder: Path) -> list[Series]:
    """Read every series that the folder's label files name, plain or compressed, in the order of the names.

    Raises:
        FileNotFoundError: No file of windows, or no series of those it names.
    """
    windows: dict[str, list[list[str]]] = {}
    for path in sorted(folder.rglob("*windows*.json")):
        windows.update(json.loads(path.read_text()))
    # Scores of published detectors lie in files of the same names: what makes a series is its column.
    paths = {
        name: path
        for path in sorted([*folder.rglob("*.csv"), *folder.rglob("*.csv.gz")])
        if (name := f"{path.parent.name}/{path.name.removesuffix('.gz')}") in windows and _is_series(path)
    }
    if not paths:
        raise FileNotFoundError(f"no *windows*.json with the names of series as category/file.csv in {folder}")
    return [_series(path, name, windows[name]) for name, path in sorted(paths.items())]


def read_published(folder: Path, series: Series) -> dict[str, NDArray[np.float64]]:
    """Return the anomaly score of each row by published detector; empty if there are none for this series."""
    category, _, name = series.name.rpartition("/")
    near = [
        path
        for path in folder.rglob(f"{name.removesuffix('.csv')}*.csv.gz")
        if path.parent.name == category and not _is_series(path)
    ]
    if not near:
        return {}
    header, *rows = tables.rows(min(near, key=lambda path: (len(path.name), path.name)))
    columns = np.array([[float(cell) for cell in row[1:]] for row in rows], np.float64)
    return {name: columns[:, i] for i, name in enumerate(header[1:])}


def read_thresholds(folder: Path) -> dict[str, float]:
    """Return the threshold that NAB tuned for each published detector under the profile `standard`, by name."""
    found: dict[str, float] = {}
    for path in sorted(folder.rglob("*thresholds*.json")):
        found.update(
            {name: profiles["standard"]["threshold"] for name, profiles in json.loads(path.read_text()).items()}
        )
    return found


def _series(path: Path, name: str, windows: list[list[str]]) -> Series:
    rows = list(tables.records(path))
    times = tuple(row["timestamp"] for row in rows)
    index = {time: i for i, time in reversed(list(enumerate(times)))}  # the first row of a repeated time
    bounds = tuple((index[_seconds(left)], index[_seconds(right)]) for left, right in windows)
    return Series(name, times, np.array([float(row["value"]) for row in rows]), bounds)


def _is_series(path: Path) -> bool:
    return {"timestamp", "value"} <= set(tables.header(path))


def _seconds(time: str) -> str:
    """Drop the fraction that label files write and series do not."""
    return time.partition(".")[0]


def _sigmoid(x: float) -> float:
    return -1.0 if x > _FAR else 2.0 / (1.0 + math.exp(5.0 * x)) - 1.0
