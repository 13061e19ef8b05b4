"""Numbers for people and dashboards, once every so many served rows."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.services.drift_detector.baseline import take_seen
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.services.drift_detector.tally import Tally
from homeostat.services.drift_detector.watching import column_names
from homeostat.stats.divergence import kullback_leibler, population_stability
from homeostat.stats.martingales import log2

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.\-]")
_LONGEST_NAME: Final = 128
_LEAST_CALIBRATED: Final = 200
IS_BLIND: Final = "is_blind"
_Indicator = tuple[str, float, int]


def indicators(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Return one set of indicators and begin the next, if enough rows were served; else nothing."""
    tally = state.tally
    if tally.rows < settings.indicator_rows:
        return []
    state.tally = Tally()
    state.n_indicators += 1
    values = [*_of_rows(tally, state), *_of_labels(tally), *_of_retrain(tally, state)]
    if state.n_indicators % settings.divergence_every == 0:
        values += _of_watch(state, settings)
        values += _of_blindness(state)
        if state.baseline.is_known:
            values += _of_columns(state, take_seen(state.baseline), settings)
    return _told(state, event, values)


@lru_cache(maxsize=1024)
def _named(name: str) -> str:
    """Make a name of an indicator of one that holds the name of a feature or its value."""
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _of_rows(tally: Tally, state: State) -> Iterator[_Indicator]:
    yield "n_rows", float(tally.rows), tally.rows
    if tally.n_scored:
        yield "mean_score", tally.score / tally.n_scored, tally.n_scored
    if tally.unknown:
        total = sum(tally.unknown.values())
        yield "unknown_ratio", total / (tally.rows * len(state.features)), tally.rows
        for name, unknown in sorted(tally.unknown.items()):
            yield f"unknown_ratio.{name}", unknown / tally.rows, tally.rows
    noisy = sum(window.n_rows for window in state.quality.windows if window.is_noisy)
    if noisy:
        n_rows = sum(window.n_rows for window in state.quality.windows)
        yield "noisy_ratio", noisy / n_rows, n_rows
    rows = state.watching.rows
    if rows is not None and rows.n_rows and rows.bets.e_value > 0.0:
        yield "evidence_inputs", log2(rows.bets.e_value), rows.n_rows


def _of_labels(tally: Tally) -> Iterator[_Indicator]:
    if tally.labels:
        yield "error_rate", tally.errors / tally.labels, tally.labels
    tally.calibration.settle()
    n_scored = int(tally.calibration.n)
    if n_scored:
        yield "brier", tally.calibration.brier_score(), n_scored
        yield "expected_calibration_error", tally.calibration.expected_error(), n_scored
    if tally.n_late:
        yield "label_lag_seconds", tally.lag / tally.n_late, tally.n_late
        yield "label_lag_seconds_max", tally.most_lag, tally.n_late
    for name, one in sorted(tally.slices.items()):
        yield f"error_rate.{name}", one.errors / one.n, one.n


def _of_retrain(tally: Tally, state: State) -> Iterator[_Indicator]:
    """Say once how the scores of a promoted champion compare with those of the one before."""
    state.calibration.add(tally.calibration)
    before, after = state.calibration_before, state.calibration
    if before is None or after.n < _LEAST_CALIBRATED:
        return
    state.calibration_before = None
    for when, one in (("before", before), ("after", after)):
        yield f"brier_{when}", one.brier_score(), int(one.n)
        yield f"expected_calibration_error_{when}", one.expected_error(), int(one.n)


def _of_watch(state: State, settings: Settings) -> Iterator[_Indicator]:
    """Say whether the bets on the rows see what they should, and what the time of day does."""
    for column in np.flatnonzero(state.is_clock | state.was_clock).tolist():
        yield f"is_clock.{state.features[column]}", float(state.is_clock[column]), int(state.clocks.rows[column])
    state.was_clock = state.is_clock
    watch, names = state.watching.rows, column_names(state.features, settings)
    if watch is None or not watch.is_watching:
        return
    if watch.watched.size:
        state.blindness.try_shift(watch, settings)
        _look(state, settings, 0)
        yield "rows_to_find_one_deviation", float(state.blindness.rows_to_find), watch.reference_rows
    if state.season is not None:
        for name, wide in zip(names, state.season.hours.ranges().tolist(), strict=True):
            if wide == wide:
                yield f"seasonal_range.{name}", wide, watch.n_rows


def blindness(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Say after a bucket whether the detector of the inputs has gone blind, and why, or sees again."""
    watch, known = state.watching.rows, state.blindness
    if watch is not None and watch.reference_rows < settings.reference_rows:
        known.is_tried = False
    elif watch is not None and watch.watched.size and not known.is_tried:
        known.try_shift(watch, settings)
    _look(state, settings, state.n_closed)
    if known.cause == known.told or (known.told is None and not known.cause):
        return []
    return _told(state, event, _of_blindness(state))


def _look(state: State, settings: Settings, n_rows: int) -> None:
    rows, season = state.watching.rows, state.season
    state.blindness.look(len(state.features), rows, state.inputs, season, n_rows, settings)


def _of_blindness(state: State) -> Iterator[_Indicator]:
    """Say whether it is blind, and each cause that there is or has been till now."""
    known = state.blindness
    before, known.told = known.told, known.cause
    yield IS_BLIND, float(bool(known.cause)), known.n_rows
    for cause in sorted({known.cause, before or ""} - {""}):
        yield f"{IS_BLIND}.{cause}", float(cause == known.cause), known.n_rows


def divergences(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Say how far each column has gone by the newest rows: what a detection of the inputs is seen by."""
    if not state.baseline.is_known:
        return []
    return _told(state, event, _of_columns(state, state.baseline.recent, settings))


def _of_columns(state: State, seen: Floats, settings: Settings) -> Iterator[_Indicator]:
    """Say of each column how far it is from what the champion saw at first, and whether that is beyond its threshold.

    Args:
        state: With a baseline.
        seen: (d, 13) rows by bin.
        settings: Of the detector.
    """
    expected = state.baseline.expected
    stability, divergence = population_stability(expected, seen), kullback_leibler(expected, seen)
    thresholds = dict(settings.psi_thresholds)
    clocks = np.flatnonzero(state.is_clock).tolist()
    for column, name in enumerate(column_names(state.features, settings)):
        if column in clocks:
            continue
        n = int(np.add.accumulate(seen[column])[-1])
        if not n:
            continue
        yield f"psi.{name}", float(stability[column]), n
        yield f"kl.{name}", float(divergence[column]), n
        if stability[column] > thresholds.get(name, settings.psi_threshold):
            yield f"psi_exceeded.{name}", float(stability[column]), n


def _told(state: State, event: Event, values: Iterable[_Indicator]) -> list[Emit]:
    model, version = event.subject, state.version or None
    return [
        Emit(INDICATORS, IndicatorComputed(model=model, version=version, name=_named(name), value=value, n=n))
        for name, value, n in values
    ]
