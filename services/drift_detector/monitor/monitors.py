"""What watches the served rows and the labels of a champion."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from homeostat.services.drift_detector.monitor.bucket_means import BucketMeans
from homeostat.services.drift_detector.monitor.missing import Missing
from homeostat.services.drift_detector.monitor.stream_monitor import StreamMonitor
from homeostat.services.drift_detector.settings import LABEL, Settings
from homeostat.stats.correlation import CorrelationMonitor
from homeostat.stats.rates import RateEvidence
from homeostat.stats.same_hours import SameHours

Stream = Literal["inputs", "labels", "errors"]


@dataclass(slots=True)
class Monitors:
    """Monitors of one champion; each counts rows by itself.

    Args:
        rows: Features and the other columns of served rows; None if switched off.
        correlation: Of the features with each other.
        labels: The labels themselves: whether the share of classes, or the level of targets, has moved; None if off.
        means: Of buckets.
        missing: How often values of the features are unknown.
        published_bits: Evidence published last; 0 before any was.
    """

    rows: StreamMonitor | None = None
    correlation: CorrelationMonitor = field(default_factory=lambda: _correlation(Settings()))
    labels: StreamMonitor | None = None
    means: BucketMeans = field(default_factory=BucketMeans)
    missing: Missing = field(default_factory=Missing)
    published_bits: float = 0.0

    @classmethod
    def initial(cls, n_features: int, columns: list[str], before: "Monitors", settings: Settings) -> "Monitors":
        """Return monitors that know nothing of a champion.

        What rows and labels are like at other hours is kept; what the champion before answered is forgotten. So is what
        was published of the evidence: whoever believes it will hear that it is no longer so.

        Args:
            n_features: Of the contract.
            columns: Names of the features and the other watched columns.
            before: Monitors of the champion before.
            settings: Of the detector.
        """
        monitors = cls(
            means=BucketMeans.initial(n_features + 1, settings),
            missing=Missing.initial(n_features),
            published_bits=before.published_bits,
        )
        if "martingale" not in settings.members:
            return monitors
        monitors.correlation = _correlation(settings)
        n_columns = len(columns)
        season = before.rows.season if before.rows is not None and settings.is_seasonal else None
        if season is not None and season.hours.n_columns == n_columns:
            season.forget(np.arange(n_features, n_columns))
        elif settings.is_seasonal:
            season = SameHours.start(n_columns)
        monitors.rows = StreamMonitor.initial(columns, season, settings)
        if LABEL in settings.columns:
            season = before.labels.season if before.labels is not None else None
            if settings.is_seasonal:
                season = season or SameHours.start(1)
                season.restart()
            monitors.labels = StreamMonitor.initial([LABEL], season if settings.is_seasonal else None, settings)
        return monitors

    def forget_seasons(self) -> None:
        """Forget what rows and labels are like at other hours: the contract has other columns."""
        for monitor in (self.rows, self.labels):
            if monitor is not None:
                monitor.season = None

    def relearn_rows(self, settings: Settings) -> None:
        """Take the rows that now come in for normal."""
        if self.rows is not None:
            self.correlation = _correlation(settings)
            self.rows.reset(settings)

    def relearn_correlation(self, settings: Settings) -> None:
        """Take how features now move together for normal."""
        self.correlation = _correlation(settings)

    def follow_swing(self, settings: Settings, *, is_settled: bool) -> None:
        """Compare rows with the last ones from now on: what moves is the time of day.

        Args:
            settings: Of the detector.
            is_settled: No drift is open.
        """
        self.relearn_rows(settings)
        self.means.follow(is_settled=is_settled)

    def relearn_inputs(self, settings: Settings) -> None:
        """Begin all monitors of served rows anew, after a shift; what the open drift is measured by stays."""
        self.relearn_rows(settings)
        self.means.reset(settings)
        if self.rows is not None and self.rows.season is not None:
            self.rows.season.restart()

    def relearn(self, settings: Settings) -> None:
        """Begin all monitors of rows and labels anew, after a clearance: the next rows say what is normal."""
        self.means.forget()
        self.relearn_inputs(settings)
        if self.labels is not None:
            self.labels.reset(settings)
            if self.labels.season is not None:
                self.labels.season.restart()

    def e_value(self, bets: RateEvidence) -> tuple[float, Stream, int]:
        """Return the model's evidence that something has moved, where most of it lies, and the rows behind that.

        The mean of the e-values of those monitors that have begun, 1 before: valid under any dependence between them,
        per epoch of rows (`TiltedMartingales`).

        Args:
            bets: On the errors.
        """
        found: list[tuple[float, Stream, int]] = []
        rows, labels = self.rows, self.labels
        if rows is not None and rows.watch.is_monitoring:
            found.append((rows.trail.credible(rows.watch), "inputs", rows.watch.n_rows))
        if labels is not None and labels.watch.is_monitoring:
            found.append((labels.trail.credible(labels.watch), "labels", labels.watch.n_rows))
        if bets.rows:
            found.append((bets.e_value(), "errors", int(bets.rows)))
        if not found:
            return 1.0, "inputs", rows.watch.n_rows if rows is not None else 0
        total = 0.0
        for e, _, _ in found:
            total += e / len(found)
        _, most, n_rows = max(found, key=lambda one: one[0])
        return total, most, n_rows


def _correlation(settings: Settings) -> CorrelationMonitor:
    """Return the watch of how features move together, before any row."""
    return CorrelationMonitor.start(first=settings.first_reference_rows, full=settings.reference_rows)
