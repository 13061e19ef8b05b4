"""Whether what a model is given is watched at all: a detector that cannot see is as silent as one that sees nothing."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from homeostat.services.drift_detector.monitor.monitors import Monitors
from homeostat.services.drift_detector.settings import N_MONITORS, Settings
from homeostat.stats.blocks import BlockTest
from homeostat.stats.exchangeability import ExchangeabilityMonitor
from homeostat.stats.same_hours import SameHours

Cause = Literal["", "no_features", "nothing_watched", "small_shift"]

_OF_INPUTS: Final = frozenset({"martingale", "page_hinkley_of_means"})


@dataclass(slots=True)
class Blindness:
    """Of one model; it outlives champions.

    Attributes:
        cause: Why no feature is watched as it should be; empty while one is, or while that is not known yet.
        published: The cause that was published last; None before any.
        n_rows: Rows served since a feature was watched.
        is_coarse: At the last try a shift of one deviation was not found.
        rows_to_find: Served rows that it took then, `blind_rows` if it was not found.
        is_tried: Since the reference is whole.
    """

    cause: Cause = ""
    published: Cause | None = None
    n_rows: int = 0
    is_coarse: bool = False
    rows_to_find: int = 0
    is_tried: bool = False

    def update(
        self, n_features: int, monitors: Monitors, n_rows: int, settings: Settings, *, is_tried_again: bool = False
    ) -> bool:
        """Say after a bucket whether any feature is watched, and if not, why.

        What is learned anew is given `blind_rows` rows; until then the cause stays what it was. A model whose detectors
        of inputs are switched off is not blind: somebody wanted it so.

        Args:
            n_features: Monitored features; they are the first columns of all monitors.
            monitors: Of the rows.
            n_rows: Rows of the bucket.
            settings: Of the model.
            is_tried_again: An injected shift is tried though it has been.

        Returns:
            Whether the cause is another than the one that was published.
        """
        rows, means = monitors.rows, monitors.means.test
        watch, season = (rows.watch, rows.season) if rows is not None else (None, None)
        if watch is not None and watch.reference_rows < settings.reference_rows and not is_tried_again:
            self.is_tried = False
        elif watch is not None and watch.watched.size and (is_tried_again or not self.is_tried):
            found = watch.rows_to_find(N_MONITORS * settings.run_length, settings.blind_rows)
            self.is_coarse, self.rows_to_find = found is None, found or settings.blind_rows
            self.is_tried = True
        if not _OF_INPUTS & set(settings.members):
            self.cause, self.n_rows = "", 0
        elif not n_features:
            self.cause = "no_features"
        elif _is_watched(n_features, watch, means, season):
            self.cause, self.n_rows = "small_shift" if self.is_coarse else "", 0
        else:
            self.n_rows += n_rows
            if self.n_rows >= settings.blind_rows:
                self.cause = "nothing_watched"
        return self.cause != self.published and bool(self.published is not None or self.cause)

    def publish(self) -> list[Cause]:
        """Return the causes that there are or have been till now, in order; what is so is published with them."""
        before, self.published = self.published, self.cause
        causes: set[Cause] = {self.cause, before or ""}
        return sorted(causes - {""})


def _is_watched(
    n_features: int, watch: ExchangeabilityMonitor | None, means: BlockTest | None, season: SameHours | None
) -> bool:
    """Say whether rows, bucket means or hours of any feature are compared with what they were."""
    of_rows = watch is not None and bool(np.count_nonzero(watch.known[:n_features]))
    hours = season.watch if season is not None else None
    of_hours = hours is not None and bool(np.count_nonzero(hours.known[:n_features]))
    return of_rows or of_hours or (means is not None and bool(np.count_nonzero(means.is_tested[:n_features])))
