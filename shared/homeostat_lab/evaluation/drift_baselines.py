"""Detectors that are fed the errors of a model one by one, 1 = wrong: river's, and two that look at nothing."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol, cast

from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import HDDMA, HDDMW

from homeostat_lab.evaluation.drift_trials import Trial

_ALWAYS_EVERY: Final = 100
_SEED: Final = 0

Detector = Callable[[Trial, int], list[int]]
"""From a trial and the index of the first row it may see to the positions of its alarms."""


class _River(Protocol):
    """What river's detectors have in common."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last update found a change."""
        ...

    def update(self, x: float) -> object:
        """Take one value in."""
        ...


class Kswin(KSWIN):
    """river's KSWIN for values of 0 and 1: the same draws and alarms, in a tenth of the time.

    The Kolmogorov-Smirnov statistic of two samples of bits is the difference of their means, so that there are only
    so many p-values; each is asked of scipy once.
    """

    def update(self, x: float) -> None:
        """Take a 0 or a 1 in."""
        if self.drift_detected:
            self._reset()  # type: ignore[no-untyped-call]  # river
        self.n += 1
        self.window.append(x)
        self._drift_detected = False
        if len(self.window) < self.window_size:
            return
        values = list(self.window)
        old, recent = self.window_size - self.stat_size, values[-self.stat_size :]
        drawn = sum(values[at] for at in self._rng.sample(range(old), self.stat_size))
        difference = int(abs(drawn - sum(recent)))
        self.p_value = _p_value(difference, self.stat_size)  # type: ignore[assignment]  # river begins with an int 0
        if self.p_value <= self.alpha and difference > 0.1 * self.stat_size:
            self._drift_detected = True
            self.window.clear()
            self.window.extend(recent)


@cache
def _p_value(difference: int, n: int) -> float:
    """Two-sided p-value of two samples of n bits whose sums differ by so much."""
    from scipy.stats import ks_2samp  # type: ignore[import-untyped]  # it has no types

    with warnings.catch_warnings():  # as river does: scipy tells when it falls back on the limit law
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(ks_2samp([0.0] * n, [1.0] * difference + [0.0] * (n - difference), method="auto").pvalue)


def _fed(make: Callable[[], object]) -> Detector:
    """Feed a fresh detector of river's the errors, one by one."""

    def detect(trial: Trial, first: int) -> list[int]:
        river, alarms = cast(_River, make()), list[int]()
        errors = (trial.predicted != trial.y).astype(int).tolist()
        for position, error in zip(trial.at[first:].tolist(), errors[first:], strict=True):
            river.update(error)
            if river.drift_detected:
                alarms.append(position)
        return alarms

    return detect


def always(trial: Trial, first: int) -> list[int]:
    """Fire every 100 rows."""
    return [int(at) for at in trial.at[first::_ALWAYS_EVERY]]


def never(trial: Trial, first: int) -> list[int]:
    """Fire never."""
    return []


BASELINES: Final[dict[str, Detector]] = {
    "ADWIN": _fed(ADWIN),
    "HDDM_A": _fed(HDDMA),
    "HDDM_W": _fed(HDDMW),
    "KSWIN": _fed(lambda: Kswin(seed=_SEED)),
    "PageHinkley": _fed(PageHinkley),
    "always-fire": always,
    "never-fire": never,
}
"""With river's own settings."""
