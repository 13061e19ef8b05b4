"""Discoveries among e-values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.ebh import e_bh


@given(st.lists(st.floats(-20.0, 40.0), max_size=40), st.floats(0.01, 0.5), st.integers(0, 50))
def test_it_is_what_the_definition_says(log2_e: list[float], alpha: float, more: int) -> None:
    """The k largest for the largest k whose k-th largest e-value is at least n / (alpha k), by trying every k."""
    n = len(log2_e) + more
    e = sorted((2.0**bits for bits in log2_e), reverse=True)
    k = max((k for k in range(1, len(e) + 1) if e[k - 1] >= n / (alpha * k) * (1.0 + 1e-12)), default=0)
    loose = max((k for k in range(1, len(e) + 1) if e[k - 1] >= n / (alpha * k) * (1.0 - 1e-12)), default=0)

    selected = e_bh(np.array(log2_e), alpha, n=n)

    at_least = sum(bits >= sorted(log2_e, reverse=True)[k - 1] for bits in log2_e) if k else 0
    at_most = sum(bits >= sorted(log2_e, reverse=True)[loose - 1] for bits in log2_e) if loose else 0
    assert at_least <= selected.sum() <= at_most


def test_nothing_is_known_of_nan() -> None:
    """It is never selected, but it counts among the hypotheses."""
    assert e_bh(np.array([np.nan, 30.0]), 0.05).tolist() == [False, True]


def test_false_discoveries_stay_below_the_rate() -> None:
    """Dependent nulls: 200 times 50 equal e-values beside 5 strong ones; the mean false share is below 10 %."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        shared = float(np.log2(np.exp(3.0 * rng.normal() - 4.5)))
        selected = e_bh(np.array([shared] * 50 + [30.0] * 5), 0.1)
        shares.append(selected[:50].sum() / max(selected.sum(), 1))

    assert np.mean(shares) <= 0.1


@pytest.mark.parametrize(("alpha", "n"), [(0.0, None), (1.0, None), (0.1, 1)])
def test_settings_outside_their_range_are_refused(alpha: float, n: int | None) -> None:
    """A rate in (0, 1), and at least as many hypotheses as e-values."""
    with pytest.raises(ValueError, match="must lie"):
        e_bh(np.zeros(2), alpha, n=n)
