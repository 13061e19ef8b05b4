"""Detectors of river as data: what each was made with, and what it has seen. See `river_objects`."""

import random
import struct
from collections import deque
from typing import Any, Final

import msgspec

_MOST_BUCKETS: Final = 1000
"""Of one row of ADWIN: what river allocates before it looks at anything else."""

_HEAD, _ROW, _TAIL = struct.Struct("<dIQddddddIIII"), struct.Struct("<QQ"), struct.Struct("<dIQII")
_LENGTH: Final = struct.Struct("<Q")
_TWISTER: Final = struct.Struct("<625I")
_TWISTER_VERSION: Final = 3


class Adwin(msgspec.Struct, array_like=True, tag="ADWIN"):
    """`river.drift.ADWIN`.

    Args:
        delta: As of its constructor, like the next four.
        clock: See `delta`.
        max_buckets: See `delta`.
        min_window_length: See `delta`.
        grace_period: See `delta`.
        is_found: Whether the last update found a change.
        sums: Total, variance, width and sum of widths of the window.
        counts: River's three counters of updates, and its number of detections.
        rows: Of buckets, newest first: how many are in use, their totals, their variances.
    """

    delta: float
    clock: int
    max_buckets: int
    min_window_length: int
    grace_period: int
    is_found: bool
    sums: tuple[float, float, float, float]
    counts: tuple[int, int, int, int]
    rows: list[tuple[int, list[float], list[float]]]

    @classmethod
    def of(cls, detector: Any) -> "Adwin":
        """Read a detector."""
        raw, rows = detector._helper.__getstate__(), []
        delta, clock, most, _, _, *rest = _HEAD.unpack_from(raw)
        at = _HEAD.size
        (n_rows,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        for _ in range(n_rows):
            _, n_used = _ROW.unpack_from(raw, at)
            at += _ROW.size
            totals, at = _floats(raw, at)
            variances, at = _floats(raw, at)
            rows.append((n_used, totals, variances))
        delta, clock, most, shortest, grace = _TAIL.unpack(raw[at:])
        sums, counts = tuple(rest[:4]), tuple(rest[4:])
        return cls(delta, clock, most, shortest, grace, detector._drift_detected, sums, counts, rows)

    def make(self) -> Any:
        """Make it again. River ends the process's thread on a layout that it does not expect, so all is checked."""
        from river.drift import ADWIN

        wide = self.max_buckets + 1
        if not 1 <= self.max_buckets <= _MOST_BUCKETS or self.clock < 1 or not self.rows:
            raise ValueError("no window of ADWIN")
        for n_used, totals, variances in self.rows:
            if not 0 <= n_used <= self.max_buckets or len(totals) != wide or len(variances) != wide:
                raise ValueError("no bucket of ADWIN")
        made: Any = ADWIN(self.delta, self.clock, self.max_buckets, self.min_window_length, self.grace_period)  # type: ignore[no-untyped-call]  # river
        shared = (self.delta, self.clock, self.max_buckets)
        raw = _HEAD.pack(*shared, self.min_window_length, self.grace_period, *self.sums, *self.counts)
        raw += _LENGTH.pack(len(self.rows))
        for n_used, totals, variances in self.rows:
            raw += _ROW.pack(self.max_buckets, n_used)
            for values in (totals, variances):
                raw += _LENGTH.pack(wide) + struct.pack(f"<{wide}d", *values)
        made._helper.__setstate__(raw + _TAIL.pack(*shared, self.min_window_length, self.grace_period))
        made._drift_detected = self.is_found
        return made


def _floats(raw: bytes, at: int) -> tuple[list[float], int]:
    (n,) = _LENGTH.unpack_from(raw, at)
    at += _LENGTH.size
    return list(struct.unpack_from(f"<{n}d", raw, at)), at + 8 * n


class Kswin(msgspec.Struct, array_like=True, tag="KSWIN"):
    """`river.drift.KSWIN`: its arguments, then what it has seen; `twister` is the state of its generator."""

    alpha: float
    window_size: int
    stat_size: int
    seed: int | None
    is_found: bool
    p_value: float
    n: int
    window: list[float]
    twister: bytes

    @classmethod
    def of(cls, detector: Any) -> "Kswin":
        """Read a detector."""
        _, twister, _ = detector._rng.getstate()  # the third is of normal draws, and it makes none
        made_with = (detector.alpha, detector.window_size, detector.stat_size, detector.seed)
        window = [float(value) for value in detector.window]
        return cls(
            *made_with,
            detector._drift_detected,
            float(detector.p_value),
            detector.n,
            window,
            _TWISTER.pack(*twister),
        )

    def make(self) -> Any:
        """Make it again."""
        from river.drift import KSWIN

        made: Any = KSWIN(self.alpha, self.window_size, self.stat_size, self.seed)
        made._drift_detected, made.p_value, made.n = self.is_found, self.p_value, self.n
        made.window = deque(self.window, maxlen=self.window_size)
        made._rng = random.Random()  # noqa: S311  # its state follows
        made._rng.setstate((_TWISTER_VERSION, _TWISTER.unpack(self.twister), None))
        return made


_Mean = tuple[float, float]


def _mean_of(mean: Any) -> _Mean:
    return float(mean.n), float(mean.get())


def _mean(stored: _Mean) -> Any:
    from river.stats import Mean

    return Mean._from_state(*stored)


class PageHinkleyTest(msgspec.Struct, array_like=True, tag="PageHinkley"):
    """`river.drift.PageHinkley`: its arguments, then what it has seen."""

    min_instances: int
    delta: float
    threshold: float
    alpha: float
    mode: str
    is_found: bool
    mean: _Mean
    sums: tuple[float, float]
    limits: tuple[float, float]

    @classmethod
    def of(cls, detector: Any) -> "PageHinkleyTest":
        """Read a detector."""
        made_with = (detector.min_instances, detector.delta, detector.threshold, detector.alpha, detector.mode)
        sums = (float(detector._sum_increase), float(detector._sum_decrease))
        limits = (float(detector._min_increase), float(detector._max_decrease))
        return cls(*made_with, detector._drift_detected, _mean_of(detector._x_mean), sums, limits)

    def make(self) -> Any:
        """Make it again."""
        from river.drift import PageHinkley

        made: Any = PageHinkley(self.min_instances, self.delta, self.threshold, self.alpha, self.mode)
        made._drift_detected, made._x_mean = self.is_found, _mean(self.mean)
        made._sum_increase, made._sum_decrease = self.sums
        made._min_increase, made._max_decrease = self.limits
        return made


class HddmA(msgspec.Struct, array_like=True, tag="HDDMA"):
    """`river.drift.binary.HDDMA`: its arguments, then what it has seen; `means` are the lowest, the highest, of all."""

    drift_confidence: float
    warning_confidence: float
    is_two_sided: bool
    is_found: bool
    is_warned: bool
    means: tuple[_Mean, _Mean, _Mean]

    @classmethod
    def of(cls, detector: Any) -> "HddmA":
        """Read a detector."""
        made_with = (detector.drift_confidence, detector.warning_confidence, detector.two_sided_test)
        means = (_mean_of(detector._x_min), _mean_of(detector._x_max), _mean_of(detector._z))
        return cls(*made_with, detector._drift_detected, detector._warning_detected, means)

    def make(self) -> Any:
        """Make it again."""
        from river.drift.binary import HDDMA

        made: Any = HDDMA(self.drift_confidence, self.warning_confidence, self.is_two_sided)  # type: ignore[no-untyped-call]  # river
        made._drift_detected, made._warning_detected = self.is_found, self.is_warned
        made._x_min, made._x_max, made._z = (_mean(stored) for stored in self.means)
        return made


_Sample = tuple[bool, float, float]
_SAMPLES: Final = ("_total", "_s1_decr", "_s1_incr", "_s2_decr", "_s2_incr")


class HddmW(msgspec.Struct, array_like=True, tag="HDDMW"):
    """`river.drift.binary.HDDMW`: its arguments, then what it has seen.

    A sample is whether it has a value, its weighted mean, its bound.
    """

    drift_confidence: float
    warning_confidence: float
    weight: float
    is_two_sided: bool
    is_found: bool
    is_warned: bool
    samples: tuple[_Sample, _Sample, _Sample, _Sample, _Sample]
    cuts: tuple[float, float]

    @classmethod
    def of(cls, detector: Any) -> "HddmW":
        """Read a detector."""
        made_with = (detector.drift_confidence, detector.warning_confidence, detector.lambda_val)
        found: Any = [getattr(detector, name) for name in _SAMPLES]
        samples: Any = tuple((one._is_init, float(one.ewma) if one._is_init else 0.0, one._ibc) for one in found)
        cuts = (float(detector._incr_cutpoint), float(detector._decr_cutpoint))
        told = (detector.two_sided_test, detector._drift_detected, detector._warning_detected)
        return cls(*made_with, *told, samples, cuts)

    def make(self) -> Any:
        """Make it again."""
        from river.drift.binary import HDDMW

        made: Any = HDDMW(self.drift_confidence, self.warning_confidence, self.weight, self.is_two_sided)  # type: ignore[no-untyped-call]  # river
        made._drift_detected, made._warning_detected = self.is_found, self.is_warned
        made._incr_cutpoint, made._decr_cutpoint = self.cuts
        for name, (has_value, mean, bound) in zip(_SAMPLES, self.samples, strict=True):
            sample = getattr(made, name)
            if has_value:
                sample.update(mean)  # the first value is the mean
            sample._ibc = bound
        return made
