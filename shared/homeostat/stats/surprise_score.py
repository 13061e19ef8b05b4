"""How surprising the end of a stream is against the stream's own past."""

from dataclasses import dataclass
from typing import Final

from homeostat.stats.matrix_profile import ShapeNovelty
from homeostat.stats.sorted_window import SortedWindow

_LARGEST: Final = 10.0
"""Surprise of what has no like at all, for example the first move of a constant."""

_LEAST: Final = 20
"""Earlier values before a new one can be far from them."""

_MEAN_MEMORY: Final = 4000
_SPREADS: Final = 2.0
"""Mean absolute deviations above the mean up to which nothing is an excess: some 5 % of noise are beyond."""

_WARM_UP: Final = 50


@dataclass(slots=True)
class Peak:
    """A measure relative to the largest excess over its usual range that is remembered.

    The memory of the largest excess fades, and one excess lifts it by at most `lift`: one great incident does not make
    the next, lesser one look like nothing.

    Attributes:
        fading: Share of the memory that is lost with each value, in [0, 1).
        lift: Most that one value lifts the memory by, a factor >= 1.
        n: Values seen.
        mean: Running mean; exponentially forgotten after 4,000 values.
        spread: Running mean absolute deviation, likewise.
        peak: Largest excess remembered.
    """

    fading: float
    lift: float
    n: int = 0
    mean: float = 0.0
    spread: float = 0.0
    peak: float = 0.0

    def relative(self, value: float) -> float:
        """Take a value >= 0 in.

        Returns:
            Its excess in units of the largest one remembered, at most 10: 1 is as far out as anything so far. 0 for
            the first 50 values.
        """
        deviation = value - self.mean if self.n else 0.0
        excess = deviation - _SPREADS * self.spread
        is_known = self.n >= _WARM_UP
        # Until there has been an excess worth the name the spread is the unit.
        unit, result = max(self.peak, self.spread), 0.0
        if is_known and excess > 0.0:
            # Compared before dividing: next to nothing would overflow.
            result = excess / unit if excess < _LARGEST * unit else _LARGEST
        lifted = min(excess, self.lift * unit) if is_known and unit > 0.0 else excess
        self.peak = max(self.peak * (1.0 - self.fading), lifted)
        self.n += 1
        step = max(1.0 / self.n, 1.0 / _MEAN_MEMORY)
        # The first value is the mean as it is: its distance from 0 says nothing.
        self.mean = self.mean + deviation * step if self.n > 1 else value
        self.spread += (abs(deviation) - self.spread) * step
        return result


@dataclass(slots=True)
class Surprise:
    """Novelty of the last value and of the last stretches of a stream, each relative to its own past; the largest.

    Three questions, one scale: was there ever a value like this (k-th nearest value), was there ever a course like this
    (left matrix profile of a short stretch), did a long stretch ever go like this (of a long one: what should have come
    and did not)? Nothing is assumed about distribution, period or scale.

    Attributes:
        nearest: k: so many earlier values must be near before a value is nothing new.
        values: Earlier values.
        shapes: Earlier stretches.
        weights: Of the value's novelty and of each length's.
        peaks: One per weight.
    """

    nearest: int
    values: SortedWindow
    shapes: ShapeNovelty
    weights: tuple[float, ...]
    peaks: list[Peak]

    @classmethod
    def start(
        cls,
        *,
        memory: int,
        nearest: int,
        lengths: tuple[int, ...],
        weights: tuple[float, ...],
        fading: float,
        lift: float,
    ) -> "Surprise":
        """Return the measure before any value.

        Args:
            memory: Values and stretches remembered.
            nearest: See the class.
            lengths: Of the stretches.
            weights: Of the value and of each length.
            fading: See `Peak`.
            lift: See `Peak`.

        Raises:
            ValueError: A parameter outside its range.
        """
        if len(weights) != len(lengths) + 1 or nearest < 1 or not 0.0 <= fading < 1.0 or not lift >= 1.0:
            raise ValueError(f"{weights=} must be one more than {lengths=}; {nearest=} >= 1, {fading=}, {lift=} >= 1")
        shapes = ShapeNovelty.start(lengths=lengths, memory=memory)
        return cls(nearest, SortedWindow(memory), shapes, weights, [Peak(fading, lift) for _ in weights])

    def update(self, value: float) -> float:
        """Take a value in, |value| < 1e100; return its surprise, >= 0: 1 is as surprising as anything remembered."""
        is_known = len(self.values.recent) > _LEAST
        nearest = self.values.kth_nearest(value, self.nearest) if is_known else None
        novelties = [nearest, *self.shapes.update(value)]
        self.values.add(value)
        surprises = [
            weight * peak.relative(novelty)
            for weight, peak, novelty in zip(self.weights, self.peaks, novelties, strict=True)
            if novelty is not None
        ]
        return max(surprises, default=0.0)
