"""The level of quality: what it was at best, what it is, and when it is too far from there.

Change detectors do not fire twice. After a drift that was not answered, or not well, only the level says
that something is still wrong.
"""

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.errors.label_history import LabelGroup, LabelHistory
from homeostat.services.drift_detector.settings import Settings


class _Level(NamedTuple):
    """Error rate of a stretch, and its labelled rows."""

    rate: float
    n: int


class Standing(NamedTuple):
    """The newest labels beside the level.

    Args:
        rate: Error rate of the last `window_labels` rows, rounded up to whole groups; None if there are fewer.
        best: Error rate of the level; None while there is none.
        risen: An error rate of the newest labels, and the limit that it exceeds; None if none does.
    """

    rate: float | None
    best: float | None
    risen: tuple[float, float] | None


@dataclass(slots=True)
class ErrorLevel:
    """The present stretch, in which no change of the errors was found, and the best of those that have ended.

    Args:
        start_n: Labelled rows before the present stretch.
        start_errors: Their errors.
        best: Lowest error rate of the stretches that have ended; None before one has.
        best_n: Labelled rows behind it.
    """

    start_n: int = 0
    start_errors: float = 0.0
    best: float | None = None
    best_n: int = 0

    def best_rate(self, history: LabelHistory, settings: Settings) -> float | None:
        """Return the error rate of the best whole stretch between changes, the present one included.

        A stretch's mean, not the least of many windows: that would sink with time alone. The best is the one that asks
        most of the present (`limit`): a short stretch with few errors by luck does not displace a long one.
        """
        level = self._best(history, settings)
        return None if level is None else level.rate

    def end_stretch(self, onset: LabelGroup, settings: Settings) -> None:
        """End the present stretch before `onset`, and begin the next one with it.

        Its rate becomes a level if it is long enough, or if there is no other; by Laplace's rule, as a short one
        may have no error at all.
        """
        n = onset.n_before - self.start_n
        if n >= (settings.window_labels if self.best is not None else settings.least_stretch):
            ended = _Level((onset.errors_before - self.start_errors + 1.0) / (n + 2.0), n)
            self.best, self.best_n = _lower(self._past(), ended, settings)
        if n >= 0:
            self.start_n, self.start_errors = onset.n_before, onset.errors_before

    def standing(self, history: LabelHistory, settings: Settings, *, is_whole: bool) -> Standing:
        """Compare the newest labels with the level.

        The window is the shortest of `window_labels`, twice, four times, … up to `most_window_labels` that says that
        errors have risen; a longer one is looked at only where chance alone may move a shorter one further than `rise`.

        Args:
            history: With the newest labels.
            settings: Of the detector.
            is_whole: A group of labels has ended: otherwise nothing but the level is looked at.
        """
        level, rate, n, errors, window = self._best(history, settings), None, 0, 0.0, settings.window_labels
        best = level.rate if level is not None else None
        if not is_whole:
            return Standing(None, best, None)
        for group in reversed(history.groups):
            n, errors = n + group.n, errors + group.errors
            if n < window:
                continue
            rate = errors / n if rate is None else rate
            if level is None:
                break
            most = _limit(level, settings, window)
            if errors / n > most:
                return Standing(rate, best, (errors / n, most))
            window *= 2
            if most <= level.rate + settings.rise or window > settings.most_window_labels:
                break
        return Standing(rate, best, None)

    def limit(self, history: LabelHistory, settings: Settings) -> float:
        """Return the window error rate above which the level check alarms; 1 while there is no level.

        Where errors are frequent a fixed distance is within chance, so it grows with the binomial deviation of the
        distance between window and level: a level that few rows stand behind is not known better than they can say.
        """
        level = self._best(history, settings)
        return 1.0 if level is None else _limit(level, settings, settings.window_labels)

    def is_back(self, history: LabelHistory, drift: OpenDrift, rate: float, settings: Settings) -> bool:
        """Say whether the errors since the onset, or since a promotion, are back where they were.

        A champion that was promoted in this drift has to show it: by one standard deviation of its rate over all labels
        of the present stretch too. A window alone is back by chance now and then, and then nobody would look again.

        Args:
            history: With the newest labels.
            drift: The open one.
            rate: Of the newest window.
            settings: Of the detector.
        """
        level = drift.level if drift.n_carried else self.best_rate(history, settings)
        if history.n - drift.n_labels < settings.window_labels or level is None:
            return False
        most = level + settings.cleared_margin
        if rate > most or not drift.n_carried:
            return rate <= most
        n, errors = history.n - self.start_n, history.errors - self.start_errors
        if n < settings.window_labels:
            return False
        mean = min(max((errors + 1.0) / (n + 2.0), 0.0), 1.0)
        return errors / n + sqrt(mean * (1.0 - mean) / n) <= most

    def _best(self, history: LabelHistory, settings: Settings) -> _Level | None:
        past, n = self._past(), history.n - self.start_n
        if n < settings.window_labels:
            return past
        # Rounding may exceed 1.
        return _lower(past, _Level(min((history.errors - self.start_errors) / n, 1.0), n), settings)

    def _past(self) -> _Level | None:
        return None if self.best is None else _Level(self.best, self.best_n)


def _lower(past: _Level | None, present: _Level, settings: Settings) -> _Level:
    n = settings.window_labels
    return present if past is None or _limit(present, settings, n) <= _limit(past, settings, n) else past


def _limit(level: _Level, settings: Settings, window: int) -> float:
    variance = level.rate * (1.0 - level.rate) * (1.0 / window + 1.0 / level.n)
    return level.rate + max(settings.rise, settings.rise_deviations * sqrt(variance))
