"""What the demo may claim, and whether it holds: only margins of several standard errors, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat_lab.demo.thresholds import ThresholdResult
from homeostat_lab.demo.world import N_SERVED

_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with numbers.

    Args:
        name: The sentence.
        value: Homeostat's.
        baseline: The other's.
        interval: 95 % of the difference, over stations; None for counts.
        holds: Whether it is so in this run.
    """

    name: str
    value: float
    baseline: float | None
    interval: tuple[float, float] | None
    holds: bool

    def as_row(self) -> Mapping[str, Any]:
        """For the report."""
        return {name: getattr(self, name) for name in self.__slots__}


def above(name: str, own: NDArray[np.int64], other: NDArray[np.int64]) -> Claim:
    """Claim a higher accuracy on the same images.

    Args:
        name: The sentence.
        own: (stations, events) right answers of an event.
        other: The same of the baseline.
    """
    difference = (own - other).mean(axis=1) / N_SERVED
    mean, error = float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
    interval = (mean - _Z * error, mean + _Z * error)
    return Claim(name, float(own.mean() / N_SERVED), float(other.mean() / N_SERVED), interval, interval[0] > 0.0)


def fewer(name: str, own: float, other: float) -> Claim:
    """Claim a smaller count.

    Args:
        name: What is claimed.
        own: Count of Homeostat.
        other: Count of the baseline; the claim holds if it is larger.
    """
    return Claim(name, own, other, None, own < other)


def thresholds(static: ThresholdResult, tracked: ThresholdResult) -> Claim:
    """Claim fewer false alerts, and say what they cost in misses."""
    name = (
        f"false alerts per 1,000 events of tracked thresholds below static ones "
        f"(misses {tracked.miss_rate:.0%} against {static.miss_rate:.0%})"
    )
    return fewer(name, tracked.false_per_1000, static.false_per_1000)


def poisoned(outcomes: Sequence[Mapping[str, Any]]) -> Claim:
    """Claim that every poisoned candidate that got traffic was aborted, and say how many requests it answered."""
    aborted = [outcome for outcome in outcomes if outcome["state"] == "aborted"]
    exposed = float(np.mean([outcome.get("exposed", 0) for outcome in aborted])) if aborted else 0.0
    name = f"poisoned candidates aborted, after {exposed:.0f} requests each"
    holds = len(aborted) == len(outcomes) and bool(outcomes)
    return Claim(name, len(aborted), len(outcomes), None, holds)


def proven(n_derived: int, n_equal: int) -> Claim:
    """Claim that the replay is equal."""
    return Claim(
        "outputs of the folds derived again, byte for byte", n_equal, n_derived, None, n_equal == n_derived > 0
    )
