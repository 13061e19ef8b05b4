"""Labelled rows become errors in [0, 1], grouped for the onset and fed one by one to ADWIN."""

from dataclasses import dataclass
from typing import Final

from drift_detector.settings import Settings
from drift_detector.state import Group, State, new_adwin

_WRONG_FROM: Final = 0.5
_KNOWN_BELOW: Final = 1e30


@dataclass(frozen=True, slots=True)
class Place:
    """Where the inputs of labelled rows lie: `ce_id`, broker time in ms and bucket of the event."""

    id: str
    time: int
    batch: int


def place_of(state: State, predicted_at: float) -> Place:
    """Find the earliest remembered bucket that may hold a row predicted at a time, in seconds.

    Requires a bucket to be remembered. Labels whose rows are older than all of them get the oldest.
    """
    found = state.batches[-1]
    for batch in reversed(state.batches):
        if batch.until < predicted_at:
            break
        found = batch
    return Place(found.id, found.time, found.index)


def grade(
    state: State,
    prediction: list[float],
    score: list[float],
    label: list[float],
    place: Place,
    settings: Settings,
) -> tuple[int, bool]:
    """Take the labelled rows of one event in.

    Args:
        state: Changed.
        prediction: n; NaN where the champion did not answer.
        score: n; NaN where unknown.
        label: n; NaN where not known yet.
        place: Of the rows.
        settings: Of the detector.

    Returns:
        Number of rows that count, and whether ADWIN found a change with one of them.
    """
    group, adwin, is_classifier = None, state.errors, state.is_classifier
    n, is_changed = 0, False
    for said, confidence, truth in zip(prediction, score, label, strict=True):
        if truth != truth or said != said:
            continue
        if is_classifier:
            error = 0.0 if said == truth else 1.0
        else:
            scaled = _scaled(state, abs(said - truth), settings)
            if scaled is None:
                continue
            error = scaled
        if group is None:
            group = _open_group(state, place, settings)
        n += 1
        group.n += 1
        group.errors += error
        if error >= _WRONG_FROM:
            _remember(group, truth, confidence, is_classifier=is_classifier)
        adwin.update(error)  # type: ignore[no-untyped-call]  # river
        if adwin.drift_detected:
            is_changed = True
            # A fresh window: river would drop the old one with the next update anyway, and a snapshot
            # taken now would then go on from another state than this process.
            adwin = state.errors = new_adwin(settings)
    if group is not None:
        state.n_labels = group.n_before + group.n
        errors = group.errors_before + group.errors
        state.tally.labels += n
        state.tally.errors += errors - state.sum_errors
        state.sum_errors = errors
    return n, is_changed


def _open_group(state: State, place: Place, settings: Settings) -> Group:
    if state.groups and state.groups[-1].n < settings.group_labels:
        return state.groups[-1]
    group = Group(place.id, place.time, place.batch, state.n_labels, state.sum_errors)
    state.groups.append(group)
    if len(state.groups) > settings.n_groups:
        del state.groups[0]
    return group


def _remember(group: Group, truth: float, confidence: float, *, is_classifier: bool) -> None:
    group.n_wrong += 1
    if -_KNOWN_BELOW < confidence < _KNOWN_BELOW:
        group.wrong_score += confidence
        group.n_wrong_scored += 1
    if is_classifier:
        name = str(truth)
        group.wrong_labels[name] = group.wrong_labels.get(name, 0) + 1


def _scaled(state: State, error: float, settings: Settings) -> float | None:
    """Return an absolute error as a share of the model's scale, at most 1; None while that is learned.

    The scale outlives promotions, so that errors stay comparable.
    """
    if state.scale > 0.0:
        return min(error / state.scale, 1.0)
    if error < _KNOWN_BELOW:
        state.scale_sum += error
        state.scale_n += 1
        if state.scale_n >= settings.scale_labels and state.scale_sum > 0.0:
            state.scale = settings.scale_multiple * state.scale_sum / state.scale_n
    return None
