"""Checks of the columnar payloads at a door."""

import re
from functools import lru_cache
from math import isfinite
from typing import Final

import numpy as np

from homeostat.core import Reject
from homeostat.events.columns import FEW, Labels, Samples, f8

MAX_ROWS: Final = 10_000
"""Rows of one event: one event is one step, and a step must be short."""

MAX_ANSWERS: Final = 16
"""Versions whose answers labels may bring."""

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")
_OPTIONAL: Final = ("label", "latency_seconds")

_KNOWN: Final = 64
"""Longer lists of names are not remembered, so that nobody can fill the memory with them."""


def check_samples(samples: Samples) -> Samples:
    """Return the samples if their columns fit together.

    Raises:
        Reject: `payload_invalid`.
    """
    n = len(samples.request)
    if not 1 <= n <= MAX_ROWS:
        raise Reject("payload_invalid", f"an event has 1 to {MAX_ROWS} rows, not {n}")
    if not (len(samples.time) == len(samples.prediction) == len(samples.score) == 8 * n):
        raise _length(samples, ("time", "prediction", "score"))
    if len(samples.label) not in (0, 8 * n) or len(samples.latency_seconds) not in (0, 8 * n):
        raise _length(samples, ("label", "latency_seconds"))
    if len(samples.values) != 4 * n * len(samples.features):
        raise Reject(
            "payload_invalid", f"values has {len(samples.values)} bytes for {len(samples.features)} x {n} float32"
        )
    if len(set(samples.features)) != len(samples.features):
        raise Reject("payload_invalid", "a feature is named twice")
    names = (samples.version, *samples.features)
    (_check_once if len(names) <= _KNOWN else _check_names)(names)
    if samples.captured and (
        len(samples.inputs) % (4 * len(samples.captured)) or not 0 <= min(samples.captured) <= max(samples.captured) < n
    ):
        raise Reject(
            "payload_invalid", f"inputs has {len(samples.inputs)} bytes for {len(samples.captured)} captured rows"
        )
    if bool(samples.inputs) and not samples.captured:
        raise Reject("payload_invalid", "inputs without captured rows")
    if samples.provenance is not None:
        raise Reject("payload_invalid", "provenance is set by intake, not by the sender")
    finite = f8(samples.prediction + samples.time)  # one pass, and no slow all()
    if not all(map(isfinite, finite.tolist())) if n <= FEW else np.count_nonzero(np.isfinite(finite)) < 2 * n:
        raise Reject("payload_invalid", "time and prediction must be finite")
    return samples


def _length(samples: Samples, names: tuple[str, ...]) -> Reject:
    """Name the first column, of which there is one, that does not have a value per row; an empty one may be meant."""
    n = samples.n_rows
    sizes = {name: len(getattr(samples, name)) for name in names}
    name = next(name for name, size in sizes.items() if size != 8 * n and (size or name not in _OPTIONAL))
    return Reject("payload_invalid", f"{name} has {sizes[name]} bytes for {n} float64 rows")


def _check_names(names: tuple[str, ...]) -> None:
    if not all(_NAME.fullmatch(name) for name in names):
        raise Reject("payload_invalid", "version and features are names: letters, digits, _ . -, at most 128")


_check_once = lru_cache(maxsize=1024)(_check_names)  # a model sends the same names with every event


def check_labels(labels: Labels) -> Labels:
    """Return the labels if their columns fit together.

    Raises:
        Reject: `payload_invalid`.
    """
    n = len(labels.request)
    if not 1 <= n <= MAX_ROWS:
        raise Reject("payload_invalid", f"an event has 1 to {MAX_ROWS} labels, not {n}")
    if len(labels.label) != 8 * n or len(labels.time) != 8 * n:
        raise Reject("payload_invalid", f"label and time need {8 * n} bytes each, as float64")
    if labels.provenance is not None:
        raise Reject("payload_invalid", "provenance is set by intake, not by the sender")
    _check_answers(labels, n)
    if not (np.isfinite(f8(labels.label)).all() and np.isfinite(f8(labels.time)).all()):
        raise Reject("payload_invalid", "label and time must be finite")
    return labels


def _check_answers(labels: Labels, n: int) -> None:
    """Check the answers that labels may bring."""
    if len(labels.answers) > MAX_ANSWERS:
        raise Reject("payload_invalid", f"labels bring the answers of at most {MAX_ANSWERS} versions")
    if len({(answer.role, answer.version) for answer in labels.answers}) != len(labels.answers):
        raise Reject("payload_invalid", "answers name a version twice in one role")
    _check_names(tuple(answer.version for answer in labels.answers))
    for answer in labels.answers:
        if len(answer.prediction) != 8 * n or len(answer.score) != 8 * n:
            raise Reject("payload_invalid", f"an answer needs {8 * n} bytes of prediction and of score, as float64")
    if labels.lag_seconds and (not labels.answers or len(labels.lag_seconds) != 8 * n):
        raise Reject("payload_invalid", f"lag_seconds comes with answers, {8 * n} bytes as float64")
