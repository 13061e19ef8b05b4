"""What an event leads to: a detection, a profile, a clearance, or how the evidence stands."""

from typing import NamedTuple

from homeostat.core import Emit, Event
from homeostat.services.drift_detector.drift.drift_events import cleared, profile, profile_without_labels
from homeostat.services.drift_detector.drift.evidence_updates import evidence
from homeostat.services.drift_detector.drift.opening import Rise, concept_drift, data_drift
from homeostat.services.drift_detector.indicators.indicators import divergences
from homeostat.services.drift_detector.monitor.shift import Shift
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.martingales import log2


class Findings(NamedTuple):
    """What one event has shown.

    Args:
        n_labels: Labelled rows that came with it.
        changed: Detector that found a change of the errors; empty if none did.
        shift: Of the inputs or the labels, if one was found.
        are_overdue: Labels have failed to come for longer than usual.
    """

    n_labels: int
    changed: str
    shift: Shift | None
    are_overdue: bool


def decide(state: State, event: Event, settings: Settings, found: Findings) -> list[Emit]:
    """Emit at most one detection, then what there is of the open drift, or else how the evidence stands.

    Args:
        state: Its drift, error level and monitors follow what is decided.
        event: Input.
        settings: Of the detector.
        found: What the event has shown.
    """
    emits, errors = list[Emit](), state.errors
    history, at = errors.history, errors.detected_at
    may_recheck = at is None or history.n - at >= settings.cooldown_labels  # before that it is an echo
    features = found.shift.features if found.shift is not None else ()
    is_whole = found.n_labels > 0 and history.groups[-1].n >= settings.group_labels
    rate, best, risen = errors.level.standing(history, settings, is_whole=is_whole)
    level = best
    if found.changed:
        emits += _changed(state, event, settings, found.changed, features, may_recheck=may_recheck)
        _, level, risen = errors.level.standing(history, settings, is_whole=is_whole)
    if not emits and risen is not None and best is not None and may_recheck:
        rise = Rise("level", before=best, after=risen[0], threshold=risen[1])
        emits.append(concept_drift(state, event, settings, rise, features))
    if not emits and found.shift is not None and (state.drift is None or state.drift.kind == "data"):
        emits.append(data_drift(state, event, found.shift, settings, level))
        emits += divergences(state, event, settings)
    if not emits:
        emits += evidence(state, event)
    drift = state.drift
    if drift is None:
        return emits
    if found.n_labels:
        emits += profile(state, event, drift, settings)
    elif found.are_overdue and not drift.is_overdue:
        emits.append(profile_without_labels(state, event, drift, settings))
    if rate is None or state.drift is None or not errors.level.is_back(history, drift, rate, settings):
        return emits
    return [*emits, cleared(state, event, drift, rate, settings), *state.graded(event, drift)]


def _changed(
    state: State, event: Event, settings: Settings, detector: str, features: tuple[str, ...], *, may_recheck: bool
) -> list[Emit]:
    """Answer a change detector: errors that rose are a drift; errors that fell begin a new stretch.

    Soon after a detection a further rise is its echo, found by another detector or split at another place: it opens
    no second drift. If it is more than that, the level check will find it.

    Args:
        state: Its error level follows.
        event: Input.
        settings: Of the detector.
        detector: That found a change.
        features: Inputs that moved with the same event.
        may_recheck: The last detection is long enough ago.
    """
    errors = state.errors
    start = errors.level.start_n
    before, after = errors.history.rates_around_change(start=start)
    if after > before:
        log2_e = log2(errors.bets.e_value()) if detector == "betting" else None
        if may_recheck:
            return [concept_drift(state, event, settings, Rise(detector, before, after, before, log2_e), features)]
        errors.restart_bets()
        return []
    errors.begin_stretch(errors.history.onset(start=start, before=before, after=after), settings)
    return []
