"""Served rows as a matrix: the features in the order of the contract, then what else of a row is watched."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from homeostat.events import Samples
from homeostat.events.columns import F4, f8
from homeostat.services.drift_detector.settings import COLUMNS, Settings
from homeostat.stats.exchangeability import Float32s
from homeostat.stats.portable import FloatArray


class WatchedRows(NamedTuple):
    """Rows of one event; nobody may change them.

    Args:
        features: (d, n), NaN for a feature that did not come.
        columns: (d + c, n): the features and the other columns that are watched; None if rows are not watched.
    """

    features: Float32s
    columns: Float32s | None


def watched_rows(names: list[str], samples: Samples, settings: Settings) -> WatchedRows:
    """Return the rows of an event.

    Args:
        names: The d features of the contract.
        samples: The event.
        settings: Of the detector.
    """
    matrix = samples.matrix()
    features: Float32s = matrix
    if samples.features != names:
        features = np.full((len(names), samples.n_rows), np.nan, dtype=F4)
        for row, name in zip(features, names, strict=True):
            if name in samples.features:
                row[:] = matrix[samples.features.index(name)]
    if "martingale" not in settings.members:
        return WatchedRows(features, None)
    at, others = len(features), [column for column in COLUMNS if column in settings.columns]
    columns = np.empty((at + len(others), samples.n_rows), F4)
    columns[:at] = features
    with np.errstate(over="ignore"):  # becomes infinite, which counts as missing
        for name in others:
            raw: bytes = getattr(samples, name)
            columns[at] = f8(raw) if raw else np.nan
            at += 1
    return WatchedRows(features, columns)


def feature_columns(samples: Samples, names: Iterable[str]) -> dict[str, FloatArray]:
    """Return the values of those features that came, (n,) each."""
    matrix, at = samples.matrix(), samples.features
    return {name: matrix[at.index(name)].astype(np.float64) for name in names if name in at}
