"""Intervals over rows that are alike: they hold the truth as often as they say, and say when they cannot."""

import numpy as np

from homeostat_tools.value.intervals import estimate


def autocorrelated(n: int, mean: float, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """An AR(1) series of coefficient .7."""
    noise, values = generator.standard_normal(n), np.zeros(n)
    for at in range(1, n):
        values[at] = 0.7 * values[at - 1] + noise[at]
    return values + mean


def test_intervals_cover_the_mean_of_rows_that_are_alike() -> None:
    """Nominal 95 %: of 200 series of 2,000 rows at least 88 % (binomial, and the bootstrap's known undercoverage)."""
    generator = np.random.default_rng(1)

    found = [estimate(autocorrelated(2000, 0.1, generator), seed) for seed in range(200)]

    assert sum(one.low <= 0.1 <= one.high for one in found) >= 176


def test_rows_that_are_alike_give_wider_intervals() -> None:
    """An interval of independent rows would be less than half as wide, and wrong."""
    values = autocorrelated(2000, 0.0, np.random.default_rng(2))

    found = estimate(values)

    assert found.high - found.low > 1.5 * (2 * 1.96 * values.std() / np.sqrt(2000))


def test_one_bad_stretch_is_a_loss() -> None:
    """What happened is no noise: half of the rows were answered worse throughout."""
    values = np.where(np.arange(2000) < 1000, 0.0, -0.8) + np.random.default_rng(8).choice([-0.2, 0.2], 2000)

    found = estimate(values)

    assert found.judgement == "loss"
    assert found.low < -0.4 < found.high


def test_a_gain_and_a_loss_are_told_apart() -> None:
    """By the sign of the whole interval."""
    noise = np.random.default_rng(4).standard_normal(1000)

    assert estimate(noise + 1.0).judgement == "gain"
    assert estimate(noise - 1.0).judgement == "loss"


def test_what_cannot_be_told_says_why() -> None:
    """No row, too few, none that differs, 0 inside."""
    noise = np.random.default_rng(5).standard_normal(1000)

    reasons = [estimate(values).reason for values in (np.full(9, np.nan), noise[:9], np.zeros(99), noise)]

    assert reasons == [
        "no labelled row follows it",
        "only 9 labelled rows follow it, 40 are needed",
        "no answer differs",
        "the interval over 1000 rows includes 0",
    ]


def test_the_same_rows_give_the_same_interval() -> None:
    """A report that is made again says the same."""
    values = np.random.default_rng(6).standard_normal(500)

    assert estimate(values, 7) == estimate(values, 7)
