"""Numbers for people and dashboards, once every so many served rows."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from drift_detector.settings import Settings
from drift_detector.state import State
from drift_detector.tally import Tally, expected_calibration_error
from drift_detector.watching import N_WATCHES, column_names
from homeostat.core import Emit, Event
from homeostat.events import IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.stats.divergence import kullback_leibler, population_stability
from homeostat.stats.martingales import log2

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_.\-]")
_LONGEST_NAME: Final = 128
_Indicator = tuple[str, float, int]


def indicators(state: State, event: Event, settings: Settings) -> list[Emit]:
    """Return one set of indicators and begin the next, if enough rows were served; else nothing."""
    tally = state.tally
    if tally.rows < settings.indicator_rows:
        return []
    state.tally = Tally()
    state.n_indicators += 1
    values = [*_of_rows(tally, state), *_of_labels(tally)]
    if state.n_indicators % settings.divergence_every == 0:
        values += _of_columns(state, settings)
    return [
        Emit(INDICATORS, IndicatorComputed(model=event.subject, name=_named(name), value=value, n=n))
        for name, value, n in values
    ]


def _named(name: str) -> str:
    """Make a name of an indicator of one that holds the name of a feature or its value."""
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _of_rows(tally: Tally, state: State) -> Iterator[_Indicator]:
    yield "n_rows", float(tally.rows), tally.rows
    if tally.n_scored:
        yield "mean_score", tally.score / tally.n_scored, tally.n_scored
    if tally.unknown:
        yield "unknown_ratio", tally.unknown / (tally.rows * len(state.features)), tally.rows
    rows = state.watching.rows
    if rows is not None and rows.n_rows and rows.bets.e_value > 0.0:
        yield "evidence_inputs", log2(rows.bets.e_value), rows.n_rows


def _of_labels(tally: Tally) -> Iterator[_Indicator]:
    if tally.labels:
        yield "error_rate", tally.errors / tally.labels, tally.labels
    n_scored = int(np.add.accumulate(tally.bin_n)[-1])
    if n_scored:
        yield "brier", tally.brier / n_scored, n_scored
        yield "expected_calibration_error", expected_calibration_error(tally), n_scored
    if tally.n_late:
        yield "label_lag_seconds", tally.lag / tally.n_late, tally.n_late
        yield "label_lag_seconds_max", tally.most_lag, tally.n_late
    for name, one in sorted(tally.slices.items()):
        yield f"error_rate.{name}", one.errors / one.n, one.n


def _of_columns(state: State, settings: Settings) -> Iterator[_Indicator]:
    """Say of each watched column how far it is from the reference, and whether that is beyond its threshold."""
    watch = state.watching.rows
    if watch is None or not watch.is_watching:
        return
    expected, seen = watch.take_histograms()
    stability, divergence = population_stability(expected, seen), kullback_leibler(expected, seen)
    found = watch.rows_to_find(N_WATCHES * settings.run_length, settings.blind_rows)
    yield "rows_to_find_one_deviation", float(found or settings.blind_rows), watch.reference_rows
    yield "is_blind", float(found is None), watch.reference_rows
    names, thresholds = column_names(state.features, settings), dict(settings.psi_thresholds)
    for column in np.flatnonzero(watch.known).tolist():
        name, n = names[column], int(np.add.accumulate(seen[column])[-1])
        if not n:
            continue
        yield f"psi.{name}", float(stability[column]), n
        yield f"kl.{name}", float(divergence[column]), n
        if column < len(state.features) and state.season.is_known:
            hourly = state.season.hourly()[:, column]
            yield f"seasonal_range.{name}", float(np.maximum.reduce(hourly) - np.minimum.reduce(hourly)), n
        if stability[column] > thresholds.get(name, settings.psi_threshold):
            yield f"psi_exceeded.{name}", float(stability[column]), n
