"""How large the numbers of a column may be: what is beyond would overflow in a fold."""

from typing import Final

import numpy as np

from homeostat.core import Reject
from homeostat.events import Labels, Samples
from homeostat.events.bounds import LARGEST, LAST_SECOND, MOST_LATENCY
from homeostat.events.columns import FEW, f8

_RANGES: Final = {
    "time": (0.0, float(LAST_SECOND)),
    "prediction": (-LARGEST, LARGEST),
    "score": (-LARGEST, LARGEST),
    "label": (-LARGEST, LARGEST),
    "latency_seconds": (0.0, MOST_LATENCY),
}
_UNITS: Final = {"milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_FIRST_LIKELY: Final = 315_532_800.0
"""1980: earlier milliseconds are seconds before the year 9999."""

_LAST_LIKELY: Final = 4_102_444_800.0
"""2100."""

_BITS: Final = np.dtype("<u8")
_LAST_BITS: Final = np.float64(LAST_SECOND).view(np.uint64)


def check_samples_ranges(samples: Samples) -> None:
    """Take samples whose numbers are in range; NaN stands for a missing one.

    Raises:
        Reject: `out_of_range`.
    """
    answers = f8(samples.prediction + samples.score + samples.label)  # of one range, so one pass
    if samples.n_rows <= FEW:
        if any(abs(x) > LARGEST for x in answers.tolist()) or any(
            not 0.0 <= x <= LAST_SECOND for x in f8(samples.time).tolist()
        ):
            _refuse(samples)
    elif np.count_nonzero(np.abs(answers) > LARGEST) or _may_be_no_time(samples.time):
        _refuse(samples)
    if samples.latency_seconds:
        latency = f8(samples.latency_seconds)
        if np.fmin.reduce(latency) < 0.0 or np.fmax.reduce(latency) > MOST_LATENCY:
            _refuse(samples)


def check_labels_ranges(labels: Labels) -> None:
    """Take labels whose numbers are in range.

    Raises:
        Reject: `out_of_range`.
    """
    if np.count_nonzero(np.abs(f8(labels.label)) > LARGEST) or _may_be_no_time(labels.time):
        _refuse(labels)
    for answer in labels.answers:
        if np.count_nonzero(np.abs(f8(answer.prediction + answer.score)) > LARGEST):
            raise Reject("out_of_range", f"prediction and score of {answer.version}: within ±{LARGEST:g}")
    if labels.lag_seconds and np.count_nonzero(np.abs(f8(labels.lag_seconds)) > LAST_SECOND):
        raise Reject("out_of_range", f"lag_seconds: within ±{LAST_SECOND}")


def _may_be_no_time(column: bytes) -> bool:
    """Compare bits, which takes one pass: those of a negative number, -0 among them, are above all others."""
    return bool(np.count_nonzero(np.frombuffer(column, _BITS) > _LAST_BITS))


def _refuse(columns: Samples | Labels) -> None:
    """Name the first column and row that is out of range, if any is."""
    for name, (low, high) in _RANGES.items():
        values = f8(getattr(columns, name, b""))
        outside = np.flatnonzero((values < low) | (values > high))
        if len(outside):
            limits = f"in [{low:.12g}, {high:.12g}]"
            hint = _unit_of(float(values[outside[0]])) if name == "time" else ""
            raise Reject(
                "out_of_range", f"{name}, row {outside[0]}: must be {limits}; {len(outside)} values are not{hint}"
            )


def _unit_of(time: float) -> str:
    """Say which unit a time is in that is none in seconds."""
    for unit, per_second in _UNITS.items():
        if _FIRST_LIKELY <= time / per_second <= _LAST_LIKELY:
            return f"; {time:.0f} looks like {unit} since the epoch, and times are seconds: divide by {per_second}"
    return ""
