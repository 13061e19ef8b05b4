"""Labelled rows become errors in [0, 1], grouped for the onset and fed to the change detectors."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.services.drift_detector.members import WRONG_FROM, feed, new_members
from homeostat.services.drift_detector.records import Group
from homeostat.services.drift_detector.reference import Floats
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.services.drift_detector.watching import take_errors, tolerated
from homeostat.stats.portable import fixed_sum

Rows = NDArray[np.intp]

_KNOWN_BELOW: Final = 1e30


@dataclass(frozen=True, slots=True)
class Place:
    """Where the inputs of labelled rows lie: `ce_id`, broker time in ms and bucket of the event."""

    id: str
    time: int
    batch: int


def places_of(state: State, predicted_at: Floats, settings: Settings) -> list[tuple[Place, Rows]]:
    """Cut labelled rows into parts that lie close to each other, the oldest first.

    A row lies in the earliest remembered bucket that may hold it; one that is older than all of them in the oldest. A
    part ends with a bucket, once it has rows enough for a group, and at the onset of the open drift; it lies where its
    middle row does, so that a stray row does not take the others with it.

    Args:
        state: With a bucket.
        predicted_at: n >= 1 times, seconds.
        settings: Of the detector.

    Returns:
        Places and the rows that lie there.
    """
    batches = state.batches
    # From the back, the first bucket that is older than a row: those after it may hold it.
    until = np.fmin.accumulate([batch.until for batch in reversed(batches)])[::-1]
    found = np.minimum(np.searchsorted(until, predicted_at), len(batches) - 1)
    order = np.argsort(found, kind="stable")
    found = found[order]
    onset = next((i for i, batch in enumerate(batches) if batch.index >= _onset(state)), len(batches))
    first, parts = 0, list[tuple[Place, Rows]]()
    for end in [*(np.flatnonzero(found[1:] != found[:-1]) + 1).tolist(), found.size]:
        is_cut = end == found.size or found[end - 1] < onset <= found[end]
        if is_cut or end - first >= settings.group_labels:
            batch = batches[found[(first + end - 1) // 2]]
            parts.append((Place(batch.id, batch.time, batch.index), order[first:end]))
            first = end
    return parts


def _onset(state: State) -> int:
    """Return the bucket that the open drift began with."""
    return state.drift.batch if state.drift is not None else 0


def grade(
    state: State,
    errors: Floats,
    score: Floats,
    label: Floats,
    place: Place,
    settings: Settings,
    slices: dict[str, Floats] | None = None,
) -> tuple[int, str]:
    """Take the labelled rows of one event in.

    Args:
        state: Changed.
        errors: n in [0, 1]; NaN where the champion did not answer, or the label or the scale is not known yet.
        score: n; NaN where unknown.
        label: n.
        place: Of the rows.
        settings: Of the detector.
        slices: n values of each feature that errors are told apart by.

    Returns:
        Number of rows that count, and the detector that found a change of the errors with one of them, or nothing.
    """
    is_known = errors == errors
    truth, confidence = label, score
    if not is_known.all():
        errors, truth, confidence = errors[is_known], label[is_known], score[is_known]
    if not errors.size:
        return 0, ""
    level = tolerated(state.n_labels - state.stretch_n, state.sum_errors - state.stretch_errors, settings)
    n, total = errors.size, fixed_sum(errors)
    group = _open_group(state, place, n, settings)
    group.n += n
    group.errors += total
    wrong = np.flatnonzero(errors >= WRONG_FROM)
    _remember(group, truth[wrong].tolist(), confidence[wrong].tolist(), is_classifier=state.is_classifier)
    state.n_labels = group.n_before + group.n
    state.tally.labels += n
    state.tally.errors += total
    if state.is_classifier:
        state.tally.calibration.take(confidence, errors)
    for name, values in (slices or {}).items():
        state.tally.cut(name, values[is_known], errors)
    state.sum_errors = group.errors_before + group.errors
    found = feed(state.members, errors.tolist(), settings)
    if take_errors(state.watching, total, n, level, settings) and not found:
        found = "betting"
        state.members = new_members(settings)
    return n, found


def _open_group(state: State, place: Place, n: int, settings: Settings) -> Group:
    """Return the group that the next n rows belong to; it lies where most of its rows do."""
    if state.groups and (group := state.groups[-1]).n < settings.group_labels:
        if n > group.n:
            group.id, group.time, group.batch = place.id, place.time, place.batch
        return group
    group = Group(place.id, place.time, place.batch, state.n_labels, state.sum_errors)
    state.groups.append(group)
    if len(state.groups) > settings.n_groups:
        del state.groups[0]
    return group


def _remember(group: Group, truths: list[float], confidences: list[float], *, is_classifier: bool) -> None:
    """Take note of the rows that were wrong."""
    group.n_wrong += len(truths)
    for confidence in confidences:
        if -_KNOWN_BELOW < confidence < _KNOWN_BELOW:
            group.wrong_score += confidence
            group.n_wrong_scored += 1
    if is_classifier:
        counts = group.wrong_labels
        for truth in truths:
            name = str(truth)
            counts[name] = counts.get(name, 0) + 1
