"""What an evaluation says: numbers with intervals, and curves to look at."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

T = TypeVar("T")

OURS: Final = "homeostat"
"""Method of the rows that our own folds and hands produced."""

Say = Callable[[str], None]
"""Told how far an evaluation is, in a few words."""

_T95: Final = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
_RESAMPLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A number with its 95 % interval.

    Args:
        task: Name of the evaluation.
        metric: What.
        setting: Where: data set, number of shots, position in the order of tasks.
        method: Whose; `homeostat` is ours.
        value: Mean, or the statistic itself.
        low: Lower end; equal to `value` where n is 1.
        high: Upper end.
        n: Independent units behind it: seeds, tasks, series.
        missing: Units that have no value, and so are in none of the numbers.
    """

    task: str
    metric: str
    setting: str
    method: str
    value: float
    low: float
    high: float
    n: int
    missing: int = 0

    @property
    def units(self) -> str:
        """Units behind it, and of how many, for people."""
        return f"{self.n} of {self.n + self.missing}" if self.missing else str(self.n)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields in order, for JSON, which has no NaN: None stands for what is not finite."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of the report.

    Args:
        title: Above it.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
        lines: By name: x values and y values of equal length.
    """

    title: str
    x: str
    y: str
    lines: dict[str, tuple[Sequence[float], Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Result:
    """Of one evaluation task.

    Args:
        rows: Numbers.
        plots: Figures.
        notes: What a reader must know: a method that failed and why, a file that was left out, what is not scored.
    """

    rows: list[Row]
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Job:
    """What an evaluation is asked for.

    Args:
        data: Folder with one folder per data set, or that folder itself; find files by pattern.
        seeds: Repetitions.
        say: Progress.
    """

    data: Path
    seeds: int
    say: Say

    def folder(self, name: str) -> Path:
        """Return the folder of a data set: `data/name`, or one folder there whose name begins so, or `data` itself.

        Raises:
            FileNotFoundError: There is none; says where it looked.
        """
        longer = sorted(path for path in self.data.glob(f"{name}*") if path.is_dir())
        for folder in (self.data / name, *longer, self.data):
            if folder.is_dir() and folder.name.startswith(name):
                return folder
        raise FileNotFoundError(f"no folder {name!r} in {self.data}: name the folder of the data sets with --data")


def missing_row(task: str, metric: str, setting: str, method: str) -> Row:
    """Stand for a number that there is not: NaN over 0 units; a note of the result says why.

    Args:
        task: Of the evaluation.
        metric: What was to be measured.
        setting: Of the task.
        method: That was to be measured.
    """
    return Row(task, metric, setting, method, math.nan, math.nan, math.nan, 0)


def mean_row(task: str, metric: str, setting: str, method: str, values: Sequence[float]) -> Row:
    """Summarise independent values by their mean and Student's 95 % interval; NaN is missing, and `missing` says so.

    Args:
        task: Of the evaluation.
        metric: What was measured.
        setting: Of the task.
        method: That was measured.
        values: One per independent unit (data set, seed).
    """
    known = [value for value in values if value == value]
    n, mean = len(known), float(np.mean(known)) if known else float("nan")
    half = _T95.get(n, 1.96) * float(np.std(known, ddof=1)) / n**0.5 if n > 1 else 0.0
    return Row(task, metric, setting, method, mean, mean - half, mean + half, n, len(values) - n)


def bootstrap_row(
    task: str,
    metric: str,
    setting: str,
    method: str,
    units: Sequence[T],
    statistic: Callable[[Sequence[T]], float],
) -> Row:
    """Summarise by a statistic of independent units and its 95 % percentile interval over resampled units.

    Args:
        task: As in the row.
        metric: As in the row.
        setting: As in the row.
        method: As in the row.
        units: What is independent, for example series or data sets.
        statistic: Of a list of units, repeats included.
    """
    value, n = statistic(units), len(units)
    if n < 2:
        return Row(task, metric, setting, method, value, value, value, n)
    generator = np.random.default_rng(0)
    drawn = [statistic([units[i] for i in generator.integers(0, n, n)]) for _ in range(_RESAMPLES)]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Row(task, metric, setting, method, value, float(low), float(high), n)
