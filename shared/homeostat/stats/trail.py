"""The last batches that a watch took in: they tell a jump from a swing, once the evidence says that something moved."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, nan, pi, sqrt
from typing import Final, NamedTuple

import numpy as np

from homeostat.stats.exchangeability import ExchangeabilityMonitor, Float32s
from homeostat.stats.portable import FloatArray, exp
from homeostat.stats.ranks import N_CHANNELS
from homeostat.stats.steps import LEAST_Z, Step, steps_of

_BATCHES: Final = 16
_PATIENCE_SECONDS: Final = 5400.0
_STILL: Final = 0.5
"""Deviations within which a middle does not move."""

_TELLING: Final = 16.0
"""E-value from which evidence is looked into: below nobody is told."""


class Found(NamedTuple):
    """What a watch has found.

    Args:
        columns: Those that moved, the strongest first; empty if nothing has.
        is_swing: Something moves as the time of day makes it: what comes is to be compared with what came last.
    """

    columns: tuple[int, ...]
    is_swing: bool = False


News = Callable[[list[Step]], list[Step]]

NOTHING: Final = Found(())


@dataclass(slots=True)
class Trail:
    """When a watch's batches came, how many rows they had, and how far their mean scores lay from the reference.

    Attributes:
        begun: Time of the first batch since the watch began, seconds; NaN before any.
        times: Of the batches, oldest first; the reference stands for those that it was made of.
        counts: (C,) rows of each.
        means: (C,) of each, in standard deviations of a row.
        crossed: Time since which the evidence is beyond its limit though nothing jumped; NaN if it is not.
        most: What the evidence may count for: no more than the clearest jump does; infinite if that is beyond doubt.
    """

    begun: float = nan
    times: list[float] = field(default_factory=list)
    counts: list[FloatArray] = field(default_factory=list)
    means: list[FloatArray] = field(default_factory=list)
    crossed: float = nan
    most: float = inf

    def follow(self, watch: ExchangeabilityMonitor, rows: Float32s, time: float) -> None:
        """Give a batch of (d, n) rows to the watch and take note of it; `time` is that of its middle, seconds.

        Args:
            watch: Changed.
            rows: (d, n).
            time: Of the middle of the batch, seconds.
        """
        if self.begun != self.begun:
            self.begun = time
        due, bets = watch.due, watch.bets
        total, seen = bets.total.copy(), bets.rows.copy()
        watch.update(rows)
        if watch.due != due or not watch.is_monitoring:
            n = bets.n * (bets.share > 0.0)
            self.times, self.counts, self.means = [0.5 * (self.begun + time)], [n], [np.zeros(n.size)]
            return
        count = bets.rows - seen
        mean = (bets.total - total) / np.maximum(count, 1.0)
        rate = bets.hits / np.maximum(bets.n - bets.rows, 1.0)
        is_rate = bets.hits > 0.0
        deviation = np.sqrt(np.where(is_rate, rate, bets.variance))
        self.times = [*self.times[1 - _BATCHES :], max(time, self.times[-1] if self.times else time)]
        self.counts = [*self.counts[1 - _BATCHES :], count]
        mean = np.where(deviation > 0.0, (mean - np.where(is_rate, rate, 0.0)) / np.maximum(deviation, 1e-9), 0.0)
        self.means = [*self.means[1 - _BATCHES :], mean]

    def steps(self) -> list[Step]:
        """Return what has jumped; channels are those of the watch.

        How far values lie from the middle says nothing of a column while the middle moves.
        """
        if not self.times:
            return []
        means = np.stack(self.means)
        d = means.shape[1] // N_CHANNELS
        wide = np.maximum.reduce(means, axis=0) - np.minimum.reduce(means, axis=0)
        found = steps_of(np.array(self.times), np.stack(self.counts), means)
        return [step for step in found if step.channel < d or wide[step.channel - d] < _STILL]

    def credible(self, watch: ExchangeabilityMonitor) -> float:
        """Return the watch's e-value, as far as it is no swing's."""
        return min(watch.bets.e_value, self.most)

    def is_swing(self) -> bool:
        """Say that the evidence is beyond its limit and nothing jumped; return whether that has lasted too long.

        A jump is clear a little later than the evidence is. What has not become one in an hour and a half is a swing.
        """
        now = self.times[-1]
        if self.crossed != self.crossed:
            self.crossed = now
        return now - self.crossed >= _PATIENCE_SECONDS


def judged(watch: ExchangeabilityMonitor, trail: Trail, news: News | None, limit: float, guilty_rate: float) -> Found:
    """Say what a watch has found with its last batch.

    Args:
        watch: Of d columns.
        trail: Of the watch; changed.
        news: Returns those steps that the time of day does not bring. With it only such a step is a shift. None if the
            time says nothing.
        limit: That the statistic must reach.
        guilty_rate: False discovery rate among the columns named.
    """
    is_beyond = watch.bets.statistic >= limit
    if news is None:
        return Found(tuple(watch.drifted_columns(guilty_rate))) if is_beyond else NOTHING
    steps = news(trail.steps()) if watch.bets.e_value >= _TELLING else []
    jumped = list(dict.fromkeys(step.channel % watch.known.size for step in steps if abs(step.z) >= LEAST_Z))
    trail.most = inf if jumped else _worth(steps, len(trail.times), watch.bets.share.size)
    if not is_beyond:
        trail.crossed = nan
        return NOTHING
    if not jumped:
        return Found((), is_swing=trail.is_swing())
    guilty = [column for column in watch.drifted_columns(guilty_rate) if column in jumped]
    return Found(tuple(guilty or jumped))


def _worth(steps: list[Step], n_batches: int, n_channels: int) -> float:
    """Return the e-value of the clearest of some steps, 1 of none.

    Of its p-value among all that were looked at; calibrated by 1 / (2 sqrt(p)) (Vovk and Wang 2021).
    """
    if not steps:
        return 1.0
    z = abs(steps[0].z)
    looked_at = 0.5 * n_batches * n_batches * n_channels
    p = 2.0 * looked_at * float(exp(np.array([-0.5 * z * z]))[0]) / (z * sqrt(2.0 * pi))
    return max(0.5 / sqrt(p), 1.0)
