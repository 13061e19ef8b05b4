"""Bets on rates: guarantee, power, definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.rates import RateEvidence


def _most(rates: list[float], level: float, rng: np.random.Generator) -> float:
    evidence, most = RateEvidence(), 0.0
    for rate in rates:
        evidence.update(float(rng.binomial(10, rate)), 10, level)
        most = max(most, evidence.statistic())
    return most


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_null_rates_alarm_no_more_often_than_promised(rate: float) -> None:
    """Of 300 streams of 1,000 rows at a run length of 10,000: at most 51 alarms (99.9 % of binomial(300, .1))."""
    rng = np.random.default_rng(1)

    alarms = sum(_most([rate] * 100, rate, rng) >= 10_000.0 for _ in range(300))

    assert alarms <= 51


def test_a_doubled_rate_is_found() -> None:
    """From .1 to .2 against a level of .12, at a run length of 1e5, within 600 rows in nine of ten streams."""
    rng = np.random.default_rng(2)

    found = sum(_most([0.1] * 100 + [0.2] * 60, 0.12, rng) >= 1e5 for _ in range(100))

    assert found >= 90


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.9)), min_size=1, max_size=30))
def test_it_is_what_the_definition_says(rows: list[tuple[bool, float]]) -> None:
    """One bet, row by row: likelihood ratio of the higher rate, R = (R + 1) e."""
    evidence, r = RateEvidence(), 0.0

    for is_wrong, level in rows:
        evidence.update(float(is_wrong), 1, level)
        higher = level + (1.0 - level) * 0.3
        r = (r + 1.0) * (higher / level if is_wrong else (1.0 - higher) / (1.0 - level))

    assert evidence.detector[2] == pytest.approx(r, rel=1e-9)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20), st.floats(0.01, 0.9))
def test_fractions_never_win_more_than_their_bet(values: list[float], level: float) -> None:
    """For values inside [0, 1] it is at most the product of 1 + bet x (value - level)."""
    evidence, process = RateEvidence(), 0.0
    share = 0.6
    bet = share / level
    product = math.prod(1.0 + bet * (value - level) for value in values)

    evidence.update(math.fsum(values), len(values), level)
    process = evidence.process[3]

    assert process <= (0.5 + 0.5) * product * (1.0 + 1e-9)
