"""One measured figure beside its reference, and the statistics it is made of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from homeostat.core import Halt


class BenchFailed(Halt):
    """A measurement could not be made; the message says of what, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Args:
        name: What was measured.
        unit: Of `value` and `reference_value`.
        value: Median of the runs; None if it could not be measured.
        reference: What it stands beside, measured in the same run; or why there is no value.
        reference_value: Its figure, None if there is none.
        ratio: `value / reference_value`; None without both.
        runs: Number of runs behind the median.
        low: Least of the runs.
        high: Greatest of the runs.
        excluded: What was left out of the figure, in a few words; empty for nothing.
    """

    name: str
    unit: str
    value: float | None
    reference: str = ""
    reference_value: float | None = None
    ratio: float | None = None
    runs: int = 1
    low: float | None = None
    high: float | None = None
    excluded: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Fields in order, for JSON."""
        return asdict(self)


def row(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    reference: str = "",
    references: Sequence[float] = (),
    excluded: str = "",
) -> Row:
    """Make a row of the medians of several runs.

    Args:
        name: What was measured.
        unit: Of both.
        values: One a run, at least one.
        reference: What `references` measure.
        references: One a run, or none.
        excluded: What was left out of the figures, in a few words.
    """
    value = median(values)
    beside = median(references) if references else None
    ratio = value / beside if beside else None
    return Row(name, unit, value, reference, beside, ratio, len(values), min(values), max(values), excluded)


def missing(name: str, unit: str, why: str) -> Row:
    """Make a row of what could not be measured.

    Args:
        name: What was to be measured.
        unit: Of its value.
        why: It could not be, one sentence.
    """
    return Row(name, unit, None, why, None, None, 0)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank).

    Args:
        values: At least one.
        share: In (0, 1].
    """
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)  # the ceiling
    return ordered[max(rank, 1) - 1]
