"""Columns that part, turn about or begin to move together, though none of them shows it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.stats.correlation import CorrelationMonitor
from homeostat.stats.martingales import HEAD_START

LIMIT = 4e8


def _rows(rng: np.random.Generator, correlation: float, d: int = 2) -> NDArray[np.float32]:
    """Rows of d columns with equal margins; the first two are correlated."""
    rows = rng.normal(size=(d, 200))
    rows[1] = correlation * rows[0] + np.sqrt(1.0 - correlation * correlation) * rows[1]
    return rows.astype(np.float32)


def _rows_to_find(before: float, after: float, d: int = 2, seed: int = 0) -> tuple[int | None, CorrelationMonitor]:
    rng, watch = np.random.default_rng(seed), CorrelationMonitor.start(first=128, full=512)
    for batch in range(30):
        watch.take(_rows(rng, before, d), 100.0 * batch)
    assert watch.watch is not None
    assert watch.watch.bets.statistic < LIMIT
    for batch in range(30):
        watch.take(_rows(rng, after, d), 3000.0 + 100.0 * batch)
        if watch.watch.bets.statistic >= LIMIT:
            return 200 * (batch + 1), watch
    return None, watch


@pytest.mark.parametrize(
    ("before", "after", "d", "most"),
    [
        (0.95, -0.95, 2, 400),
        (0.95, -0.95, 6, 400),
        (0.95, 0.0, 2, 400),
        (0.95, 0.0, 6, 400),
        (0.7, 0.0, 2, 1000),
        (0.7, 0.0, 6, 3000),
        (0.0, 0.95, 2, 3000),
    ],
)
def test_a_correlation_that_changes_is_found_and_named(before: float, after: float, d: int, most: int) -> None:
    """The margins stay what they were."""
    found, watch = _rows_to_find(before, after, d)

    assert found is not None
    assert found <= most
    assert watch.drifted_columns() == (0, 1)


@pytest.mark.parametrize("law", ["gauss", "cauchy", "constant", "the same twice", "levels and spreads move", "gaps"])
def test_what_is_no_correlation_is_none(law: str) -> None:
    """Nor are tails, columns without spread, copies, levels, or unknown values."""
    rng, watch = np.random.default_rng(1), CorrelationMonitor.start(first=128, full=512)
    for batch in range(200):
        rows = rng.normal(size=(4, 200))
        if law == "cauchy":
            rows = rng.standard_cauchy((4, 200))
        elif law == "constant":
            rows[2] = 7.0
        elif law == "the same twice":
            rows[2] = rows[1]
        elif law == "levels and spreads move":
            rows = rows * (1.0 + batch / 50.0) + batch
        elif law == "gaps":
            rows[rng.random((4, 200)) < 0.1] = np.nan
        watch.take(rows.astype(np.float32), 100.0 * batch)

    assert watch.watch is not None
    assert watch.watch.is_monitoring
    assert watch.watch.bets.statistic < 100.0 * HEAD_START


def test_one_column_has_no_correlation() -> None:
    """Nothing is bet on."""
    watch = CorrelationMonitor.start(first=128, full=512)

    assert not watch.take(np.zeros((1, 300), np.float32), 0.0)
    assert watch.watch is None
