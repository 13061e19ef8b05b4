"""Labelled rows become errors in [0, 1], grouped for the onset and fed to the change detectors."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drift_detector.members import feed, new_members
from drift_detector.records import Group
from drift_detector.reference import Floats
from drift_detector.settings import Settings
from drift_detector.state import State
from drift_detector.watching import take_errors, tolerated
from homeostat.stats.portable import fixed_sum

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
    prediction: Floats,
    score: Floats,
    label: Floats,
    place: Place,
    settings: Settings,
    slices: dict[str, Floats] | None = None,
) -> tuple[int, str]:
    """Take the labelled rows of one event in.

    Args:
        state: Changed.
        prediction: n; NaN where the champion did not answer.
        score: n; NaN where unknown.
        label: n; NaN where not known yet.
        place: Of the rows.
        settings: Of the detector.
        slices: n values of each feature that errors are told apart by.

    Returns:
        Number of rows that count, and the detector that found a change of the errors with one of them, or nothing.
    """
    is_known = (label == label) & (prediction == prediction)
    truth, said, confidence = label, prediction, score
    if not is_known.all():
        truth, said, confidence = label[is_known], prediction[is_known], score[is_known]
    if not truth.size:
        return 0, ""
    errors = (
        np.where(said == truth, 0.0, 1.0) if state.is_classifier else _scaled(state, np.abs(said - truth), settings)
    )
    skipped = truth.size - errors.size
    if not errors.size:
        return 0, ""
    level = tolerated(state.n_labels - state.stretch_n, state.sum_errors - state.stretch_errors, settings)
    group, n, total = _open_group(state, place, settings), errors.size, fixed_sum(errors)
    group.n += n
    group.errors += total
    for row in np.flatnonzero(errors >= _WRONG_FROM).tolist():
        _remember(
            group, float(truth[skipped + row]), float(confidence[skipped + row]), is_classifier=state.is_classifier
        )
    state.n_labels = group.n_before + group.n
    state.tally.labels += n
    state.tally.errors += total
    if state.is_classifier:
        state.tally.calibrate(confidence, errors)
    for name, values in (slices or {}).items():
        state.tally.cut(name, values[is_known][skipped:], errors)
    state.sum_errors = group.errors_before + group.errors
    found = feed(state.members, errors.tolist(), settings)
    if take_errors(state.watching, total, n, level, settings) and not found:
        found = "betting"
        state.members = new_members(settings)
    return n, found


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


def _scaled(state: State, distances: Floats, settings: Settings) -> Floats:
    """Return absolute errors as shares of the model's scale, at most 1; without those that it is learned from.

    The scale outlives promotions, so that errors stay comparable.
    """
    first = 0
    while state.scale == 0.0 and first < distances.size:
        distance = float(distances[first])
        first += 1
        if distance < _KNOWN_BELOW:
            state.scale_sum += distance
            state.scale_n += 1
            if state.scale_n >= settings.scale_labels and state.scale_sum > 0.0:
                state.scale = settings.scale_multiple * state.scale_sum / state.scale_n
    return np.minimum(distances[first:] / (state.scale or 1.0), 1.0)
