"""Numbers for people and dashboards, once every so many served rows."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np

from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.services.drift_detector.indicators.indicator_window import IndicatorWindow
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.divergence import kullback_leibler, population_stability
from homeostat.stats.martingales import log2
from homeostat.stats.portable import FloatArray

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.\-]")
_LONGEST_NAME: Final = 128
IS_BLIND: Final = "is_blind"
_Indicator = tuple[str, float, int]


def indicators(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Emit what a closed bucket shows: whether the detector has gone blind, and one set if enough rows were served.

    Args:
        state: Its blindness follows the monitors; its window is begun anew with a set.
        event: Input, which has closed a bucket.
        settings: Of the detector.
    """
    values, window = list[_Indicator](), state.window
    is_set = window.rows >= settings.indicator_rows
    if state.blindness.update(len(state.features), state.monitors, state.buckets.n_closed, settings):
        values += _of_blindness(state)
    if is_set:
        state.window = IndicatorWindow()
        state.n_indicators += 1
        values += [*_of_rows(window, state), *_of_labels(window, state)]
        if state.n_indicators % settings.divergence_every == 0:
            values += [*_of_monitors(state, settings), *_of_blindness(state)]
            if state.baseline.edges.shape[1]:
                values += _of_columns(state, state.baseline.take_seen(), settings)
    return _emits(state, event, values) if values else []


def divergences(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Emit how far each column has gone by the newest rows: what a detection of the inputs is seen by.

    Args:
        state: With a baseline, or nothing is emitted.
        event: Input.
        settings: Of the detector.
    """
    if not state.baseline.edges.shape[1]:
        return []
    return _emits(state, event, _of_columns(state, state.baseline.recent, settings))


@lru_cache(maxsize=1024)
def _named(name: str) -> str:
    """Make a name of an indicator of one that holds the name of a feature or its value."""
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _of_rows(window: IndicatorWindow, state: State) -> list[_Indicator]:
    found: list[_Indicator] = [("n_rows", float(window.rows), window.rows)]
    if window.n_scored:
        found.append(("mean_score", window.score / window.n_scored, window.n_scored))
    if window.unknown:
        total = sum(window.unknown.values())
        found.append(("unknown_ratio", total / (window.rows * len(state.features)), window.rows))
        for name, unknown in sorted(window.unknown.items()):
            found.append((f"unknown_ratio.{name}", unknown / window.rows, window.rows))
    noisy = sum(one.n_rows for one in state.quality.windows if one.is_noisy)
    if noisy:
        n_rows = sum(one.n_rows for one in state.quality.windows)
        found.append(("noisy_ratio", noisy / n_rows, n_rows))
    rows = state.monitors.rows
    if rows is not None and rows.watch.n_rows and rows.watch.bets.e_value > 0.0:
        found.append(("evidence_inputs", log2(rows.watch.bets.e_value), rows.watch.n_rows))
    return found


def _of_labels(window: IndicatorWindow, state: State) -> list[_Indicator]:
    """Return what labels say, and once how the scores of a promoted champion compare with those of the one before."""
    scored, retrain = window.calibration.scored(), state.retrain.update(window.calibration)
    found = list[_Indicator]()
    if window.labels:
        found.append(("error_rate", window.errors / window.labels, window.labels))
    if scored is not None:
        found.append(("brier", scored.brier, scored.n))
        found.append(("expected_calibration_error", scored.expected_error, scored.n))
    if window.n_late:
        found.append(("label_lag_seconds", window.lag / window.n_late, window.n_late))
        found.append(("label_lag_seconds_max", window.most_lag, window.n_late))
    for name, one in sorted(window.slices.items()):
        found.append((f"error_rate.{name}", one.errors / one.n, one.n))
    for when, scored in zip(("before", "after"), retrain or (), strict=False):
        found.append((f"brier_{when}", scored.brier, scored.n))
        found.append((f"expected_calibration_error_{when}", scored.expected_error, scored.n))
    return found


def _of_monitors(state: State, settings: Settings) -> list[_Indicator]:
    """Return whether the bets on the rows see what they should, and what the time of day does."""
    found, clocks = list[_Indicator](), state.clocks
    for column in np.flatnonzero(clocks.found | clocks.published).tolist():
        found.append((f"is_clock.{state.features[column]}", float(clocks.found[column]), int(clocks.rows[column])))
    clocks.published = clocks.found
    monitor = state.monitors.rows
    if monitor is None or not monitor.watch.is_monitoring:
        return found
    watch, season = monitor.watch, monitor.season
    if watch.watched.size:
        state.blindness.update(len(state.features), state.monitors, 0, settings, is_tried_again=True)
        found.append(("rows_to_find_one_deviation", float(state.blindness.rows_to_find), watch.reference_rows))
    if season is not None:
        for name, wide in zip(monitor.columns, season.hours.ranges().tolist(), strict=True):
            if wide == wide:
                found.append((f"seasonal_range.{name}", wide, watch.n_rows))
    return found


def _of_blindness(state: State) -> list[_Indicator]:
    """Return whether it is blind, and each cause that there is or has been till now."""
    causes, known = state.blindness.publish(), state.blindness
    found: list[_Indicator] = [(IS_BLIND, float(bool(known.cause)), known.n_rows)]
    return found + [(f"{IS_BLIND}.{cause}", float(cause == known.cause), known.n_rows) for cause in causes]


def _of_columns(state: State, seen: FloatArray, settings: Settings) -> list[_Indicator]:
    """Return how far each column is from what the champion saw at first, and whether that is beyond its threshold.

    Args:
        state: With a baseline.
        seen: (d, 13) rows by bin.
        settings: Of the detector.
    """
    found, expected = list[_Indicator](), state.baseline.expected
    stability, divergence = population_stability(expected, seen), kullback_leibler(expected, seen)
    thresholds = dict(settings.psi_thresholds)
    clocks = np.flatnonzero(state.clocks.found).tolist()
    for column, name in enumerate(state.monitors.rows.columns if state.monitors.rows is not None else ()):
        n = int(np.add.accumulate(seen[column])[-1])
        if column in clocks or not n:
            continue
        found.append((f"psi.{name}", float(stability[column]), n))
        found.append((f"kl.{name}", float(divergence[column]), n))
        if stability[column] > thresholds.get(name, settings.psi_threshold):
            found.append((f"psi_exceeded.{name}", float(stability[column]), n))
    return found


def _emits(state: State, event: Event, values: Iterable[_Indicator]) -> list[Emit]:
    model, version = event.subject, state.champion.version or None
    return [
        Emit(INDICATORS, IndicatorComputed(model=model, version=version, name=_named(name), value=value, n=n))
        for name, value, n in values
    ]
