"""A jump is told from a slope, a bend and chance."""

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.stats.steps import LEAST_Z, Step, steps_of

Floats = NDArray[np.float64]


def _found(level: Floats, rng: np.random.Generator, *, minutes: float = 10.0, rows: int = 200) -> list[Step]:
    """Steps of one channel beside one that stands still."""
    times, n = 60.0 * minutes * np.arange(float(level.size)), np.full((level.size, 2), float(rows))
    means = np.stack((level, np.zeros(level.size)), axis=1) + rng.normal(size=n.shape) / np.sqrt(rows)
    return [step for step in steps_of(times, n, means) if abs(step.z) >= LEAST_Z]


@pytest.mark.parametrize("size", [0.6, -1.0, 3.0])
@pytest.mark.parametrize("slope", [0.0, 0.04])
def test_a_step_is_found_where_and_as_large_as_it_is(size: float, slope: float) -> None:
    """Beside a slope too; the channel that stands still is not named."""
    batches = np.arange(12.0)
    level = slope * batches + size * (batches >= 8.0)

    (step,) = _found(level, np.random.default_rng(0), rows=400)

    assert step.channel == 0
    assert step.size == pytest.approx(size, abs=0.25)
    assert (step.before, step.after) == (4_200.0, 4_800.0)


@pytest.mark.parametrize("height", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("minutes", [1.0, 5.0, 20.0])
def test_a_wave_of_a_day_is_no_step(height: float, minutes: float) -> None:
    """However high, at every hour of the day, whatever the rate: chance alone stays within the bound too."""
    rng = np.random.default_rng(1)
    for hour in np.arange(0.0, 24.0, 0.5):
        times = hour + minutes / 60.0 * np.arange(16.0)
        assert not _found(height * np.sin(2.0 * np.pi * times / 24.0), rng, minutes=minutes)


def test_a_wave_that_leaves_the_scale_is_no_step() -> None:
    """Scores are bounded: a steep rise becomes flat, which looks like the end of one."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        assert not _found(np.minimum(0.8 * np.arange(9.0), 2.7), rng)


def test_what_lies_hours_back_is_not_looked_at() -> None:
    """With a batch every two hours nothing can be said of jumps, and without a batch neither."""
    assert not _found(np.array([0.0, 0.0, 0.0, 3.0]), np.random.default_rng(3), minutes=120.0)
    assert steps_of(np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2))) == []


def test_a_channel_without_rows_has_no_step() -> None:
    """Unknown batches say nothing, and do not divide by zero."""
    counts = np.zeros((6, 1))

    assert steps_of(600.0 * np.arange(6.0), counts, np.zeros((6, 1))) == []


def test_the_fit_is_least_squares() -> None:
    """Against numpy's, on channels of their own weights."""
    rng = np.random.default_rng(4)
    times, counts = 300.0 * np.arange(8.0), rng.integers(100, 300, (8, 3)).astype(float)
    means = rng.normal(size=(8, 3)) * 0.05 + 2.0 * (np.arange(8)[:, None] >= 5)

    for step in steps_of(times, counts, means):
        split = int(step.after // 300.0)
        fits = []
        for start in range(6):
            if split <= start:
                continue
            t, weights = times[start:], np.sqrt(counts[start:, step.channel])
            design = np.stack((np.ones(t.size), (t - t[-1]) / 3600.0, (t >= step.after).astype(float)), axis=1)
            known = means[start:, step.channel]
            fits.append(np.linalg.lstsq(design * weights[:, None], known * weights, rcond=None)[0][2])
        assert min(abs(step.size - fit) for fit in fits) < 1e-9
