"""Errors of labelled rows in [0, 1]: their history, their level, and what finds that they have risen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.errors.error_detectors import ErrorDetectors
from homeostat.services.drift_detector.errors.error_level import ErrorLevel
from homeostat.services.drift_detector.errors.label_history import LabelGroup, LabelHistory
from homeostat.services.drift_detector.errors.labelled_rows import LabelledRows
from homeostat.services.drift_detector.settings import Settings
from homeostat.stats.rates import RateEvidence


class Tolerated(NamedTuple):
    """An error rate that is no drift, and the rows that it was estimated from."""

    rate: float
    n: int


@dataclass(slots=True)
class ErrorMonitor:
    """What is known of the errors of one champion.

    Args:
        history: Labelled rows since the reset.
        level: Of the error rate.
        detectors: Change detectors of single errors.
        bets: Against "errors are no more frequent than in this stretch".
        detected_at: Labelled rows at the last detection of risen errors; None if there was none or it was cleared.
    """

    history: LabelHistory = field(default_factory=LabelHistory)
    level: ErrorLevel = field(default_factory=ErrorLevel)
    detectors: ErrorDetectors = field(default_factory=ErrorDetectors)
    bets: RateEvidence = field(default_factory=RateEvidence)
    detected_at: int | None = None

    @classmethod
    def initial(cls, settings: Settings) -> "ErrorMonitor":
        """Return the monitor before any label."""
        return cls(detectors=ErrorDetectors.initial(settings))

    def update(
        self, parts: Sequence[LabelledRows], drift: OpenDrift | None, settings: Settings, *, is_classifier: bool
    ) -> str:
        """Take the labelled rows of one event in.

        Args:
            parts: Rows that lie close to each other; the oldest part first.
            drift: The open one. Rows of a part before its onset, if it is one of the inputs, are counted as before it.
            settings: Of the detector.
            is_classifier: Whether wrong rows are counted by label.

        Returns:
            Name of the first detector that found a change of the errors; empty if none did.
        """
        history, start_n, start_errors = self.history, self.level.start_n, self.level.start_errors
        found = ""
        for rows in parts:
            n, errors = history.n, history.errors
            is_risen = self.bet(
                rows.total, rows.errors.size, tolerated(n - start_n, errors - start_errors, settings), settings
            )
            history.update(rows, settings, is_classifier=is_classifier)
            if drift is not None and drift.kind == "data" and rows.location.bucket < drift.bucket:
                drift.n_labels += history.n - n
                drift.errors += history.errors - errors
            changed = self.detectors.update(rows.errors.tolist(), settings)
            if is_risen and not changed:
                changed, self.detectors = "betting", ErrorDetectors.initial(settings)
            found = found or changed
        return found

    def bet(self, total: float, n: int, level: Tolerated | None, settings: Settings) -> bool:
        """Bet on errors; say whether the evidence that they rose crosses the guarantee.

        Args:
            total: Sum of n errors in [0, 1].
            n: >= 1.
            level: What they are not expected to exceed; None while it is not known.
            settings: Of the detector.
        """
        if level is None or "betting" not in settings.members or level.rate >= 1.0:
            return False
        self.bets.update(total, n, level.rate, level.n)
        return self.bets.statistic() >= settings.alarm_limit

    def begin_stretch(self, onset: LabelGroup, settings: Settings) -> None:
        """End the stretch before a group; what comes from there on is bet on anew."""
        self.level.end_stretch(onset, settings)
        self.bets = RateEvidence()

    def restart_bets(self) -> None:
        """Bet anew on what comes: the stretch goes on, what the bets have gathered was an echo."""
        self.bets = RateEvidence()


def tolerated(n: int, errors: float, settings: Settings) -> Tolerated | None:
    """Return the error rate that rows of the present stretch may have: its own, by Laplace's rule, and a tolerance.

    What chance leaves open of it is the bets' to account for. For that it must be made of all rows so far.

    Args:
        n: Labelled rows of the stretch so far.
        errors: Their errors.
        settings: Of the detector.

    Returns:
        None with fewer rows than `betting_labels`.
    """
    if n < settings.betting_labels:
        return None
    rate = min(max((errors + 1.0) / (n + 2.0), 0.0), 1.0)
    return Tolerated(rate + settings.rate_tolerance, n)
