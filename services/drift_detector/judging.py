"""What an event leads to: a detection, a profile, a clearance, or how the evidence stands."""

from homeostat.core import Emit, Event
from homeostat.services.drift_detector.detection import (
    Rise,
    Shift,
    cleared,
    concept_drift,
    data_drift,
    profile,
    profile_without_labels,
)
from homeostat.services.drift_detector.evidence import evidence
from homeostat.services.drift_detector.incidents import graded
from homeostat.services.drift_detector.indicators import divergences
from homeostat.services.drift_detector.level import best_rate, end_stretch, is_back, risen, window_rate
from homeostat.services.drift_detector.onset import group_of_change, rates_around_change
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.services.drift_detector.watching import relearn_errors
from homeostat.stats.martingales import log2


def judge(
    state: State, event: Event, settings: Settings, n_graded: int, changed: str, shift: Shift | None
) -> list[Emit]:
    """Say at most one detection, then what the open drift has to tell, or else how the evidence stands.

    Args:
        state: Changed.
        event: Input.
        settings: Of the detector.
        n_graded: Labelled rows that came with it.
        changed: Detector that found a change of the errors; empty if none did.
        shift: Of the inputs or the labels, if one was found.
    """
    emits = list[Emit]()
    features = shift.features if shift is not None else ()
    rate = None
    if n_graded and state.groups[-1].n >= settings.group_labels:
        rate = window_rate(state, settings)
    best = best_rate(state, settings)
    if changed:
        emits += _changed(state, event, settings, changed, features)
    if not emits and rate is not None and best is not None and _may_recheck(state, settings):
        found = risen(state, settings)
        if found is not None:
            rise = Rise("level", before=best, after=found[0], threshold=found[1])
            emits.append(concept_drift(state, event, settings, rise, features))
    if not emits and shift is not None and (state.drift is None or state.drift.kind == "data"):
        emits.append(data_drift(state, event, shift, settings))
        emits += divergences(state, event, settings)
    if not emits:
        emits += evidence(state, event)
    drift = state.drift
    if drift is None:
        return emits
    look = profile if n_graded else profile_without_labels
    told = look(state, event, drift, settings)
    if told is not None:
        emits.append(told)
    if not n_graded or state.drift is None:
        return emits
    if rate is not None and is_back(state, drift, rate, settings):
        emits.append(cleared(state, event, drift, rate, settings))
        emits += graded(state, event, drift)
    return emits


def _changed(state: State, event: Event, settings: Settings, detector: str, features: tuple[str, ...]) -> list[Emit]:
    """Answer a change detector: errors that rose are a drift; errors that fell begin a new stretch.

    Soon after a detection a further rise is its echo, found by another detector or split at another place: it opens
    no second story. If it is more than that, the level check will say so.
    """
    before, after = rates_around_change(state.groups, start=state.stretch_n)
    if after > before:
        log2_e = log2(state.watching.errors.e_value()) if detector == "betting" else None
        rise = Rise(detector, before, after, before, log2_e)
        if not _may_recheck(state, settings):
            relearn_errors(state.watching)
            return []
        return [concept_drift(state, event, settings, rise, features)]
    onset = group_of_change(state.groups, start=state.stretch_n, before=before, after=after)
    end_stretch(state, onset, settings)
    relearn_errors(state.watching)
    return []


def _may_recheck(state: State, settings: Settings) -> bool:
    at = state.detected_at
    return at is None or state.n_labels - at >= settings.cooldown_labels
