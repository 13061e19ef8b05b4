"""Bets on rates: guarantee, power, definition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.martingales import EPOCH, HEAD_START
from homeostat.stats.rates import RateEvidence


def _most(rates: list[float], level: float, rng: np.random.Generator) -> float:
    evidence, most = RateEvidence(), 0.0
    for rate in rates:
        evidence.update(float(rng.binomial(10, rate)), 10, level, math.inf)
        most = max(most, evidence.statistic())
    return most


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_null_rates_alarm_no_more_often_than_promised(rate: float) -> None:
    """Of 300 streams of 1,000 rows at ten times what was put in: at most 47 alarms (99.9 % of binomial(300, .1))."""
    rng = np.random.default_rng(1)

    alarms = sum(_most([rate] * 100, rate, rng) >= 10.0 * (HEAD_START + 1000.0) for _ in range(300))

    assert alarms <= 47


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_a_rate_that_is_only_estimated_keeps_the_promise(rate: float) -> None:
    """Of 100 streams of 10,000 rows, the rate that of all rows so far, at ten times what was put in: at most 20 alarms.

    99.9 % of binomial(100, .1); the first hundred rows only begin the estimate.
    """
    rng = np.random.default_rng(3)

    alarms = sum(_most_of_estimated(rate, rng) >= 10.0 * (HEAD_START + 10_000.0) for _ in range(100))

    assert alarms <= 20


def _most_of_estimated(rate: float, rng: np.random.Generator) -> float:
    evidence, most, n, errors = RateEvidence(), 0.0, 100, float(rng.binomial(100, rate))
    for new in rng.binomial(20, rate, 500).tolist():
        evidence.update(float(new), 20, (errors + 1.0) / (n + 2.0), n)
        n, errors, most = n + 20, errors + new, max(most, evidence.statistic())
    return most


def test_a_doubled_rate_is_found() -> None:
    """From .1 to .2 against a level of .12, at a run length of 1e5, within 600 rows in nine of ten streams."""
    rng = np.random.default_rng(2)

    found = sum(_most([0.1] * 100 + [0.2] * 60, 0.12, rng) >= 1e5 for _ in range(100))

    assert found >= 90


@given(st.lists(st.tuples(st.booleans(), st.integers(20, 1800)), min_size=1, max_size=30), st.floats(10.0, 1e6))
def test_it_is_what_the_definition_says(rows: list[tuple[bool, int]], known: float) -> None:
    """One bet, row by row: likelihood ratio of doubled odds less what the estimate leaves open, R = (R + 1) e."""
    evidence, r = RateEvidence(), HEAD_START

    for is_wrong, step in rows:
        evidence.update(float(is_wrong), 1, step / 2048.0, known)
        m = (step + 1.0) / 2048.0
        left_open = 0.5 * m * (1.0 - m) / known / (1.0 + m) ** 2
        r = (r + 1.0) * (2.0 if is_wrong else 1.0) / (1.0 + m) * math.exp(-left_open - 1.0 / EPOCH)

    assert evidence.detector[1] == pytest.approx(r, rel=1e-9)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20), st.floats(0.01, 0.9))
def test_fractions_never_win_more_than_their_bet(values: list[float], level: float) -> None:
    """For values inside [0, 1] it is at most the product of 1 + bet x (value - level)."""
    evidence, gain = RateEvidence(), 3.0
    bet = gain / (1.0 + level * gain)
    product = math.prod(1.0 + bet * (value - level) for value in values)

    evidence.update(math.fsum(values), len(values), level, math.inf)

    assert evidence.detector[2] <= (HEAD_START + len(values)) * product * (1.0 + 1e-9)


def test_it_begins_as_no_evidence() -> None:
    """An e-value of 1, which rows that are all right only lower, and which an alarm makes large whenever it comes."""
    evidence = RateEvidence()
    before = evidence.e_value()
    for _ in range(1000):
        evidence.update(10.0, 100, 0.1, math.inf)
    calm = evidence.e_value()
    while evidence.statistic() < 1e8:
        evidence.update(30.0, 100, 0.1, math.inf)

    assert before == 1.0
    assert calm < 1.0
    assert evidence.e_value() >= 1e8 / EPOCH
