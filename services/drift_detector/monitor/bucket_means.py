"""Means of buckets: what they were while nothing drifted, and the Page-Hinkley test of them."""

from dataclasses import dataclass, field, replace
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.blocks import BlockTest
from homeostat.stats.portable import FloatArray

_LEAST_SPREAD: Final = 1e-6
"""A constant column has no spread: any move counts, rounding does not."""

_OUTLYING_DEVIATIONS: Final = 3.0
_FRESH_SECONDS: Final = 7200.0


@dataclass(slots=True)
class Reference:
    """Mean and spread per column of the first buckets after a reset (Welford's sums).

    Args:
        mean: (d + 1,): the features, then the score.
        squares: Sums of squared deviations, (d + 1,).
        n: Buckets learned from.
    """

    mean: FloatArray
    squares: FloatArray
    n: int = 0

    @classmethod
    def initial(cls, width: int) -> "Reference":
        """Return a reference over `width` columns that has seen nothing."""
        return cls(np.zeros(width), np.zeros(width))

    def update(self, means: FloatArray) -> None:
        """Take one bucket in."""
        self.n += 1
        difference = means - self.mean
        self.mean = self.mean + difference / self.n
        self.squares = self.squares + difference * (means - self.mean)

    def deviations(self, means: FloatArray) -> FloatArray:
        """Return how many standard deviations of a bucket mean each column lies off; 0 before two buckets."""
        if self.n < 2:
            return np.zeros_like(means)
        spread = np.sqrt(self.squares / (self.n - 1))
        least = _LEAST_SPREAD * (np.abs(self.mean) + _LEAST_SPREAD)
        return (means - self.mean) / np.maximum(spread, least)


@dataclass(slots=True)
class BucketMeans:
    """The means of the last buckets, of the features and then the score, against those of the first ones.

    Args:
        recent: Of the last closed buckets, (d + 1,) each, oldest first.
        reference: What they were before the open drift.
        since: What they have been since the last shift: a second one is a distance from there.
        test: Change detector of the means; None if switched off.
        test_from: Event time that it began with, seconds; NaN before any bucket.
    """

    recent: list[FloatArray] = field(default_factory=list)
    reference: Reference = field(default_factory=lambda: Reference.initial(1))
    since: Reference = field(default_factory=lambda: Reference.initial(1))
    test: BlockTest | None = None
    test_from: float = nan

    @classmethod
    def initial(cls, width: int, settings: Settings) -> "BucketMeans":
        """Return the means before any bucket of `width` = d + 1 columns."""
        return cls([], Reference.initial(width), Reference.initial(width), _block_test(width, settings))

    def add(self, means: FloatArray, settings: Settings) -> float:
        """Remember the means of a closed bucket, (d + 1,), all known.

        Returns:
            How far the farthest column lies off what it has been since the last shift, in standard deviations.
        """
        self.recent.append(means)
        if len(self.recent) > settings.n_reference:
            del self.recent[0]
        return float(np.maximum.reduce(np.abs(self.since.deviations(means))))

    def update(self, settings: Settings, *, is_settled: bool) -> None:
        """Learn from the newest bucket what is normal, up to `n_reference` buckets.

        Args:
            settings: Of the detector.
            is_settled: No drift is open, or a champion that answers it is new: the reference may learn too.
        """
        if is_settled and self.reference.n < settings.n_reference:
            self.reference.update(self.recent[-1])
        if self.since.n < settings.n_reference:
            self.since.update(self.recent[-1])

    def reset(self, settings: Settings) -> None:
        """Measure from the next bucket on, after a shift; the reference stays."""
        width = self.since.mean.size
        self.test, self.test_from, self.since = _block_test(width, settings), nan, Reference.initial(width)

    def forget(self) -> None:
        """Forget the last buckets and the reference."""
        self.recent, self.reference = [], Reference.initial(self.reference.mean.size)

    def follow(self, *, is_settled: bool) -> None:
        """Compare what comes with the last buckets: what has moved since the first ones is the time of day.

        Args:
            is_settled: No drift is open, so the reference follows too.
        """
        self.since = Reference.initial(self.since.mean.size)
        for means in self.recent:
            self.since.update(means)
        if is_settled:
            self.reference = replace(self.since)

    def detect(
        self, means: FloatArray, now: float, settings: Settings, *, is_seasonal: bool
    ) -> tuple[NDArray[np.bool_], FloatArray]:
        """Test the means of a bucket; requires that the test is switched on.

        Args:
            means: (d + 1,), NaN for columns that are not tested.
            now: Event time of the bucket, seconds.
            settings: Of the detector.
            is_seasonal: The test begins anew every two hours: over more of them the time of day is what moves.

        Returns:
            Whether each column has moved, and the statistic of each, (d + 1,).
        """
        if is_seasonal and not now - self.test_from < _FRESH_SECONDS:
            if self.test_from == self.test_from:
                self.test = _block_test(means.size, settings)
            self.test_from = now
        if self.test is None:
            return np.zeros(means.size, np.bool_), np.zeros(means.size)
        return self.test.update(means)

    def moved_column(self, column: int, means: FloatArray) -> tuple[float, int]:
        """Say how far, and since when, a column is off what it has been since the last shift; requires a bucket.

        Args:
            column: Of the features and the score.
            means: (d + 1,) of the newest bucket.

        Returns:
            Deviations of a bucket mean, and the number of the last buckets in a row, one at least, that lie off. Runs
            longer than what is remembered begin with the oldest.
        """
        run = 1
        for before in reversed(self.recent[:-1]):
            if abs(float(self.since.deviations(before)[column])) < _OUTLYING_DEVIATIONS:
                break
            run += 1
        return float(self.since.deviations(means)[column]), run

    def moved(self, n_buckets: int) -> tuple[FloatArray, float] | None:
        """Say how far the last buckets are from the reference.

        Args:
            n_buckets: So many, or as many as are remembered.

        Returns:
            Deviations of each feature, (d,), and how much the mean score has dropped; None if that is not known.
        """
        recent = self.recent[-n_buckets:] if n_buckets > 0 else []
        if not recent or self.reference.n < 2:
            return None
        # accumulate adds one bucket after the other; a plain sum may pair them differently elsewhere.
        means = np.add.accumulate(np.stack(recent), axis=0)[-1] / len(recent)
        return self.reference.deviations(means)[:-1], float(self.reference.mean[-1] - means[-1])


def _block_test(width: int, settings: Settings) -> BlockTest | None:
    """Return a change detector of bucket means that has seen none, if it is switched on."""
    if "page_hinkley_of_means" not in settings.members:
        return None
    return BlockTest.start(
        width,
        reference=settings.n_reference,
        delta=settings.shift_tolerance,
        threshold=settings.shift_threshold,
        z_limit=settings.shift_limit,
    )
