"""Levels of quality: how well they are known decides what is too far from them."""

import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, event_of, run

from homeostat.events import DriftDetected
from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.errors.error_level import ErrorLevel
from homeostat.services.drift_detector.errors.error_monitor import ErrorMonitor, tolerated
from homeostat.services.drift_detector.errors.label_history import LabelGroup, LabelHistory
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings

SETTINGS = Settings()


NO_LABELS = LabelHistory()


def _ended(n: int, errors: float) -> ErrorLevel:
    """Return a level whose first stretch, of n labels, has ended."""
    level = ErrorLevel()
    level.end_stretch(LabelGroup("1.0", 0, 0, n, errors), SETTINGS)
    return level


def test_a_level_of_few_labels_asks_less() -> None:
    """A quarter of 32 labels wrong says little; a quarter of 3,200 is known, up to the window's own chance."""
    few, many = (_ended(n, 0.25 * n).limit(NO_LABELS, SETTINGS) for n in (32, 3200))

    assert few > 0.6
    assert many == pytest.approx(0.25 + 4.5 * np.sqrt(0.1875 / 120.0), abs=0.005)


def test_a_short_lucky_stretch_does_not_displace_a_long_one() -> None:
    """The present one, of 2,000 labels and more errors, is the level that asks most."""
    level, history = _ended(40, 10.0), LabelHistory(2040, 10.0 + 0.4 * 2000.0)

    assert level.best_rate(history, SETTINGS) == 0.4
    assert level.limit(history, SETTINGS) < 0.65


def test_after_a_lucky_stretch_quiet_labels_alarm_nobody() -> None:
    """A stretch of 40 labels with a quarter wrong, then 6,000 with the true two in five: no level check, no bet."""
    stream = Stream(1, n_features=1, n_labels=50)
    fold = DriftDetector(Settings(members=("betting",), columns=()))
    state, _ = run(stream.quiet(4, 0.4), fold=fold)
    state.errors.level.best, state.errors.level.best_n = 0.25, 40

    found = []
    for offset in range(5, 125):
        state, emits = fold.step(state, event_of(stream.samples(0.4), offset))
        found += [emit.data for emit in emits if isinstance(emit.data, DriftDetected)]

    assert found == []


@pytest.mark.parametrize(
    ("n", "rate", "back"),
    [(110, 0.0, False), (120, 0.03, True), (120, 0.07, False), (3000, 0.07, True), (3000, 0.085, False)],
)
def test_a_promoted_champion_is_back_by_one_deviation(n: int, rate: float, back: bool) -> None:
    """Of 5 % and a margin of 3 points: the more labels, the nearer to the margin; and never by fewer than a window."""
    level, history = ErrorLevel(), LabelHistory(n, n * rate)
    drift = OpenDrift("s", "concept", "1.0", 0, 0, 0, 0.0, 0.05, 160, n_carried=80, level=0.05)

    assert level.is_back(history, drift, rate, SETTINGS) == back
    assert not level.is_back(history, drift, 0.09, SETTINGS)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_quiet_errors_are_bet_on_no_better_than_promised(rate: float) -> None:
    """A/A at the deployed run length of 1e8: of 400 stretches of 5,000 labels none alarms (.01 are allowed)."""
    rng = np.random.default_rng(4)

    alarms = sum(_is_found(rng.binomial(50, rate, 100).tolist(), 50, SETTINGS) for _ in range(400))

    assert alarms == 0


def test_a_rise_by_half_is_bet_on() -> None:
    """From 20 % to 30 % after 4,000 labels: within 1,500 in nine of ten streams, at the deployed run length."""
    rng = np.random.default_rng(5)

    streams = [[*rng.binomial(20, 0.2, 200).tolist(), *rng.binomial(20, 0.3, 75).tolist()] for _ in range(20)]

    assert sum(_is_found(stream, 20, SETTINGS) for stream in streams) >= 18


def _is_found(errors: list[int], n_each: int, settings: Settings) -> bool:
    """Bet on the errors of each so many labels against those of all before."""
    monitor, n, total, is_found = ErrorMonitor.initial(settings), 0, 0.0, False
    for new in errors:
        is_found |= monitor.bet(float(new), n_each, tolerated(n, total, settings), settings)
        n, total = n + n_each, total + new
    return is_found
