"""Meta-features of a model under drift: what the learner tells one kind of incident from another by.

Twelve numbers, in [-3, 3], all computable online. With a constant they are the learner's context. Ten speak of the
shift; two of how long it has lasted, because only time tells a fault that heals from a world that has changed.
"""

from math import sqrt
from typing import Final

import numpy as np

from homeostat.services.drift_detector.drift.open_drift import OpenDrift
from homeostat.services.drift_detector.errors.label_history import LabelGroup
from homeostat.services.drift_detector.state import State

BOUND: Final = 3.0
_WORST_CLASSES: Final = 4
# Rates move within a fraction of their range; deviations grow without bound, their roots hardly.
_RATE_SCALE: Final = 4.0
_SHIFT_SCALE: Final = 0.5
_PATIENCE: Final = 80
_RECENT_GROUPS: Final = 4

NAMES: Final = (
    "shift_max",
    "shift_second",
    "shift_mean",
    "error_level",
    "error_rise",
    "confidence_drop",
    "worst_classes_share",
    "confidence_on_errors",
    "error_rise_in_worst_classes",
    "error_rise_with_confidence_drop",
    "persistence",
    "error_rise_with_persistence",
)


def meta_features(state: State, drift: OpenDrift) -> dict[str, float]:
    """Describe an open drift from its onset to now.

    Returns:
        By `NAMES`:

        - shift_max, shift_second, shift_mean: half the root of the distance between the features' recent
          bucket means and the reference, in standard deviations of a bucket mean.
        - error_level, error_rise: error rate since the onset, and what it is above the rate before; times 4.
        - confidence_drop: mean score of the reference minus the recent one; times 4.
        - worst_classes_share: errors in the four labels with most errors, as a share of all; 4 x (share - 1/2).
        - confidence_on_errors: mean score of wrong rows; 4 x (mean - 1/2).
        - error_rise_in_worst_classes, error_rise_with_confidence_drop: products.
        - persistence, error_rise_with_persistence: 3 x (1 - 80 / labels since the onset), 0 below 80; and its
          product with the error rise of the newest labels.
    """
    history = state.errors.history
    n = history.n - drift.n_labels
    level = (history.errors - drift.errors) / n if n > 0 else 0.0
    rise = level - drift.error_before if n > 0 and drift.error_before is not None else 0.0
    share, confidence = _errors(history.groups, drift)
    persistence = BOUND * (1.0 - _PATIENCE / max(_PATIENCE, drift.n_carried + n))
    recent = _recent_level(history.groups) - (drift.error_before or 0.0)
    shift_max, shift_second, shift_mean, confidence_drop = _shifts(state, drift)
    values = (
        shift_max,
        shift_second,
        shift_mean,
        _RATE_SCALE * level,
        _RATE_SCALE * rise,
        _RATE_SCALE * confidence_drop,
        share,
        confidence,
        _RATE_SCALE * rise * share,
        _RATE_SCALE * _RATE_SCALE * rise * confidence_drop,
        persistence,
        persistence * _RATE_SCALE * recent,
    )
    return {name: min(max(value, -BOUND), BOUND) for name, value in zip(NAMES, values, strict=True)}


def _recent_level(groups: list[LabelGroup]) -> float:
    """Return the error rate of the newest groups."""
    newest = groups[-_RECENT_GROUPS:]
    n = sum(group.n for group in newest)
    return sum(group.errors for group in newest) / n if n else 0.0


def _shifts(state: State, drift: OpenDrift) -> tuple[float, float, float, float]:
    """Return the three feature shifts, scaled, and the drop of the mean score."""
    buckets = state.buckets
    moved = state.monitors.means.moved(buckets.n_opened - drift.bucket - (1 if buckets.n_rows else 0))
    if moved is None:
        return 0.0, 0.0, 0.0, 0.0
    deviations, drop = moved
    shifts = sorted(np.sqrt(np.abs(deviations)).tolist(), reverse=True)
    if not shifts:
        return 0.0, 0.0, 0.0, drop
    squares = 0.0
    for shift in shifts:
        squares += shift * shift
    second = shifts[1] if len(shifts) > 1 else 0.0
    return _SHIFT_SCALE * shifts[0], _SHIFT_SCALE * second, _SHIFT_SCALE * sqrt(squares / len(shifts)), drop


def _errors(groups: list[LabelGroup], drift: OpenDrift) -> tuple[float, float]:
    """Return the scaled share of the worst classes and confidence on errors, from the remembered groups."""
    by_label: dict[str, int] = {}
    score, n_scored = 0.0, 0
    for group in groups:
        if group.n_before < drift.n_labels:
            continue
        score, n_scored = score + group.wrong_score, n_scored + group.n_wrong_scored
        for label, n in group.wrong_labels.items():
            by_label[label] = by_label.get(label, 0) + n
    counts = sorted(by_label.values(), reverse=True)
    share = sum(counts[:_WORST_CLASSES]) / sum(counts) - 0.5 if counts else 0.0
    confidence = score / n_scored - 0.5 if n_scored else 0.0
    return _RATE_SCALE * share, _RATE_SCALE * min(max(confidence, -BOUND), BOUND)
