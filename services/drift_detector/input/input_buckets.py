"""Served rows become buckets: one observation of the inputs for many rows, and where they lie in the timeline."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Event
from homeostat.events import Samples
from homeostat.events.columns import f8
from homeostat.services.drift_detector.errors.labelled_rows import LabelLocation
from homeostat.services.drift_detector.input.watched_rows import WatchedRows
from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.exchangeability import UNKNOWN_FROM
from homeostat.stats.portable import FloatArray, fixed_sum

Rows = NDArray[np.intp]

MS: Final = 1000.0
AHEAD_SECONDS: Final = 86_400.0
"""Event times further ahead of the broker's are a wrong clock's."""

_MOST_SOURCES: Final = 32


@dataclass(slots=True)
class InputBucket:
    """One bucket of served rows, by the event that opened it.

    Args:
        index: Number of the bucket since the reset.
        id: `ce_id` of that event.
        time: Its broker time, ms.
        until: Greatest event time of its rows and of those before, seconds.
        n_labels: Labelled rows known when it was opened.
        errors: Their errors.
    """

    index: int
    id: str
    time: int
    until: float
    n_labels: int
    errors: float


class ClosedBucket(NamedTuple):
    """A bucket that an event has filled.

    Args:
        means: (d + 1,) means of the features and the score, NaN for one without a known value.
        lost: (d,) unknown values of each feature; None if there are none.
        n_rows: Its rows.
    """

    means: FloatArray
    lost: FloatArray | None
    n_rows: int


class Served(NamedTuple):
    """What an event of rows comes to.

    Args:
        score: Sum of the known scores.
        n_scored: Their number.
        closed: The bucket that it has filled, if it has.
    """

    score: float
    n_scored: int
    closed: ClosedBucket | None


@dataclass(slots=True)
class InputBuckets:
    """The open bucket of one champion, and those before it.

    Args:
        sums: Column sums of the open bucket: the features, the score, then all other watched columns.
        counts: Known values behind them.
        n_rows: Rows in the open bucket.
        has_unknown: It has unknown values of features.
        n_closed: Rows in the last closed one.
        means: (d + 1,) last known mean of each feature and the score.
        n_opened: Buckets opened since the reset.
        history: Remembered buckets, oldest first; the last may be open.
        sources: Clients that published rows, and the bucket that each was in last; the 32 last ones.
    """

    sums: FloatArray = field(default_factory=lambda: np.zeros(1))
    counts: FloatArray = field(default_factory=lambda: np.zeros(1))
    n_rows: int = 0
    has_unknown: bool = False
    n_closed: int = 0
    means: FloatArray = field(default_factory=lambda: np.zeros(1))
    n_opened: int = 0
    history: list[InputBucket] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)

    @classmethod
    def initial(cls, n_features: int, n_columns: int, n_closed: int) -> "InputBuckets":
        """Return the buckets before any row.

        Args:
            n_features: Features of the contract.
            n_columns: They and the other watched columns.
            n_closed: Rows in the last bucket of the champion before; they say how wide a bucket mean's spread is.
        """
        return cls(
            sums=np.zeros(n_columns + 1),
            counts=np.zeros(n_columns + 1),
            n_closed=n_closed,
            means=np.zeros(n_features + 1),
        )

    def open(self, samples: Samples, event: Event, n_labels: int, errors: float, settings: Settings) -> None:
        """Note the greatest event time of the open bucket; the first event of a bucket opens it.

        What came late counts to the time of the buckets before, so times are carried on, but not from a clock that is a
        day ahead. Old buckets are thinned out rather than dropped: labels may come later than so many buckets.

        Args:
            samples: Rows of the champion.
            event: They came with.
            n_labels: Labelled rows so far.
            errors: Their errors.
            settings: Of the detector.
        """
        until, history = float(np.maximum.reduce(f8(samples.time))), self.history
        if self.n_rows:
            history[-1].until = max(until, history[-1].until)
        else:
            if history and history[-1].until <= event.time / MS + AHEAD_SECONDS:
                until = max(until, history[-1].until)
            history.append(InputBucket(self.n_opened, event.id, event.time, until, n_labels, errors))
            self.n_opened += 1
            if len(history) > settings.n_batches:
                _thin_out(history, settings.n_batches)
        if samples.provenance is not None:
            self.sources[samples.provenance.source] = history[-1].index
            if len(self.sources) > _MOST_SOURCES:
                del self.sources[min(self.sources, key=lambda source: self.sources[source])]

    def update(self, samples: Samples, rows: WatchedRows, is_clock: NDArray[np.bool_], settings: Settings) -> Served:
        """Add column sums to the open bucket: row after row, so that the additions have the same order everywhere.

        Args:
            samples: The event.
            rows: Of it.
            is_clock: (d,) features whose means are not known: they only rise.
            settings: Of the detector.
        """
        n_rows, d = samples.n_rows, len(rows.features)
        columns = rows.features if rows.columns is None else rows.columns
        # NaN fails the comparison, so the fast path has only known values.
        if columns.size and np.maximum.reduce(np.abs(columns), axis=None) < UNKNOWN_FROM:
            sums = columns[:, 0] if n_rows == 1 else np.add.accumulate(columns, axis=1, dtype=np.float64)[:, -1]
            self.sums[:d] += sums[:d]
            self.sums[d + 1 :] += sums[d:]
            self.counts += n_rows
            self.counts[d] -= n_rows
        elif columns.size:
            known = np.abs(columns) < UNKNOWN_FROM
            sums = np.add.accumulate(np.where(known, columns, 0.0), axis=1, dtype=np.float64)[:, -1]
            counts = np.count_nonzero(known, axis=1)
            self.sums[:d] += sums[:d]
            self.sums[d + 1 :] += sums[d:]
            self.counts[:d] += counts[:d]
            self.counts[d + 1 :] += counts[d:]
            self.has_unknown |= bool(np.count_nonzero(counts[:d] < n_rows))
        score = f8(samples.score)
        if not (score.size and np.maximum.reduce(np.abs(score)) < UNKNOWN_FROM):
            score = score[np.abs(score) < UNKNOWN_FROM]
        total, n = fixed_sum(score), score.size
        self.sums[d] += total
        self.counts[d] += n
        self.n_rows += n_rows
        return Served(total, n, self._close(is_clock) if self.n_rows >= settings.bucket_rows else None)

    def locate(
        self, predicted_at: FloatArray, onset_bucket: int, settings: Settings
    ) -> list[tuple[LabelLocation, Rows]]:
        """Cut labelled rows into parts that lie close to each other, the oldest first; requires a bucket.

        A row lies in the earliest remembered bucket that may hold it; one that is older than all of them in the oldest.
        A part ends with a bucket, once it has rows enough for a group, and at an onset; it lies where its middle row
        does, so that a stray row does not take the others with it.

        Args:
            predicted_at: n >= 1 times, seconds.
            onset_bucket: Bucket that the open drift began with; 0 if there is none.
            settings: Of the detector.

        Returns:
            Locations and the rows that lie there.
        """
        history = self.history
        # From the back, the first bucket that is older than a row: those after it may hold it.
        until = np.fmin.accumulate([bucket.until for bucket in reversed(history)])[::-1]
        found = np.minimum(np.searchsorted(until, predicted_at), len(history) - 1)
        order = np.argsort(found, kind="stable")
        found = found[order]
        onset = next((i for i, bucket in enumerate(history) if bucket.index >= onset_bucket), len(history))
        first, parts = 0, list[tuple[LabelLocation, Rows]]()
        for end in [*(np.flatnonzero(found[1:] != found[:-1]) + 1).tolist(), found.size]:
            is_cut = end == found.size or found[end - 1] < onset <= found[end]
            if is_cut or end - first >= settings.group_labels:
                bucket = history[found[(first + end - 1) // 2]]
                parts.append((LabelLocation(bucket.id, bucket.time, bucket.index), order[first:end]))
                first = end
        return parts

    def _close(self, is_clock: NDArray[np.bool_]) -> ClosedBucket:
        """Return the full bucket, and begin the next one."""
        width, n = self.means.size, self.n_rows
        is_known = self.counts > 0
        means = self.sums / np.maximum(self.counts, 1.0)
        lost = n - self.counts[: width - 1] if self.has_unknown else None
        is_known[: width - 1] &= ~is_clock
        self.means = np.where(is_known[:width], means[:width], self.means)
        self.sums, self.counts = np.zeros_like(means), np.zeros_like(means)
        self.n_rows, self.n_closed, self.has_unknown = 0, n, False
        return ClosedBucket(np.where(is_known, means, np.nan)[:width], lost, n)


def _thin_out(history: list[InputBucket], most: int) -> None:
    """Keep all of the newest buckets, one in two of those twice as old, one in four of those again twice as old, ...

    With 128 of them: within a sixteenth of their age, up to 1,000 buckets ago.
    """
    newest, dense = history[-1].index, max(most // 8, 1)
    kept = [bucket for bucket in history if not bucket.index % _stride((newest - bucket.index) // dense)]
    history[:] = kept[-7 * dense :]


def _stride(ages: int) -> int:
    return 1 << max(ages.bit_length() - 1, 0)
