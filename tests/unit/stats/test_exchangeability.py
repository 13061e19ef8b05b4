"""The watch over columns: its guarantee, its power, and that it may be cut anywhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.stats.null_streams import _NORMAL, LAWS, watched

from homeostat.codec import decode_state, encode_state
from homeostat.stats.exchangeability import ExchangeabilityMonitor
from homeostat.stats.martingales import BETS, EPOCH, HEAD_START


@pytest.mark.parametrize("law", LAWS)
def test_null_streams_alarm_no_more_often_than_promised(law: str) -> None:
    """A/A: of 60 streams of 2,000 rows, at ten times what was put in, at most 14 alarm (99.9 % of binomial(60, .1)).

    The law of the streams is not known to the watch, one has ties, one rare values, one a memory.
    """
    rng = np.random.default_rng(1)

    alarms = sum(watched([LAWS[law](rng, 2000)], batch=100)[1] >= 10.0 * (HEAD_START + 2000.0) for _ in range(60))

    assert alarms <= 14


def test_500_null_streams_stay_in_the_binomial_band() -> None:
    """500 Gaussian streams of 800 rows at fifty times what was put in: at most 19 alarms (99.9 % band)."""
    rng = np.random.default_rng(2)

    alarms = sum(watched([rng.normal(size=800)], batch=160)[1] >= 50.0 * (HEAD_START + 800.0) for _ in range(500))

    assert alarms <= 19


def test_the_mean_e_value_of_null_streams_is_at_most_one() -> None:
    """Over 200 streams of 1,000 rows, within three standard errors."""
    rng = np.random.default_rng(3)

    e = np.array([watched([rng.normal(size=1000)], batch=250)[0].bets.e_value for _ in range(200)])

    assert e.mean() <= 1.0 + 3.0 * e.std() / math.sqrt(len(e))


@pytest.mark.parametrize("law", ["gauss", "lognormal", "t3", "classes"])
def test_a_shift_of_one_deviation_is_found_within_150_rows(law: str) -> None:
    """Whatever the law, at a run length of 1e8."""
    rng = np.random.default_rng(4)
    column = LAWS[law](rng, 1500)
    column[1000:] += column.std()

    watch, _ = watched([column[:1150]])

    assert watch.bets.statistic >= 1e8


def test_a_feature_that_stands_still_is_found() -> None:
    """An outage that repeats the median has no shift of location, but of spread."""
    rng = np.random.default_rng(5)
    column = rng.normal(size=1200)
    column[1000:] = 0.0

    watch, _ = watched([column])

    assert watch.bets.statistic >= 1e8


def test_the_guilty_column_is_named() -> None:
    """One of eight moves by half a deviation."""
    rng = np.random.default_rng(6)
    columns = [rng.normal(size=1400) for _ in range(8)]
    columns[5][1000:] += 0.5

    watch, most = watched(columns)

    assert most >= 1e8
    assert watch.drifted_columns(0.05) == [5]


def test_a_long_memory_is_left_to_blocks() -> None:
    """A wave under noise is not white after its AR(1): no bets on it, so no false alarms."""
    rng = np.random.default_rng(7)
    column = 2.0 * np.sin(np.arange(1200) / 8.0) + rng.normal(size=1200)

    watch, most = watched([column, rng.normal(size=1200)])

    assert watch.is_white.tolist() == [0.0, 1.0]
    assert watch.known[0] == 0.0
    assert most < 1e6


def test_missing_values_carry_no_evidence() -> None:
    """A column with gaps is judged by what is there; one that stops coming says nothing."""
    rng = np.random.default_rng(8)
    gaps, stops = rng.normal(size=1200), rng.normal(size=1200)
    gaps[::3] = np.nan
    stops[700:] = np.nan

    watch, most = watched([gaps, stops])

    assert most < 1e6
    assert watch.bets.rows[0] == pytest.approx(2.0 * (1200 - 550) / 3.0, abs=20.0)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 24), seed=st.integers(0, 5))
def test_a_snapshot_changes_nothing(cut: int, seed: int) -> None:
    """Stored and restored between any two batches, the watch ends in the same bytes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 1200)).astype(np.float32)
    x[2] = np.round(x[2])
    once, twice = (ExchangeabilityMonitor.start(3, first=64, full=512) for _ in range(2))

    for i in range(24):
        if i == cut:
            twice = decode_state(encode_state(twice), ExchangeabilityMonitor)
        for watch in (once, twice):
            watch.update(x[:, 50 * i : 50 * (i + 1)])

    assert encode_state(once) == encode_state(twice)


def test_it_is_what_the_definition_says() -> None:
    """Row by row, in plain Python: rank, score, tilt by each bet, predictive distribution, R = (R + 1) e."""
    rng = np.random.default_rng(9)
    x = np.round(rng.normal(size=400), 1).astype(np.float32)
    watch = ExchangeabilityMonitor.start(1, first=100, full=100)
    for row in x.tolist():
        watch.update(np.array([[row]], np.float32))

    detector = _plain(x.tolist(), 100)

    assert watch.bets.wealth[0].tolist() == pytest.approx(detector, rel=1e-9)


def _plain(x: list[float], m: int) -> list[float]:
    """Shiryaev-Roberts statistics of the location channel, one per bet."""
    reference = sorted(x[:m])

    def score(value: float) -> float:
        ranks = sum(r < value for r in reference) + sum(r <= value for r in reference)
        return _NORMAL.inv_cdf((ranks / 2.0 + 0.5) / (m + 1.0))

    among = [score(value) for value in reference]
    mean = sum(among) / m
    ends = [_NORMAL.inv_cdf(0.5 / (m + 1.0)), _NORMAL.inv_cdf((m + 0.5) / (m + 1.0))]
    squares = sum((s - mean) ** 2 for s in [*among, *ends]) / m
    out = []
    for bet in BETS:
        alone = sum(math.exp(bet * (s - mean)) for s in among)
        tilt = alone + sum(0.5 * math.exp(bet * (s - mean)) for s in ends)
        normaliser, r, total = math.log(max(tilt / (m + 1.0), alone / m)) + 1.0 / EPOCH, 0.9 * HEAD_START, 0.0
        for n, value in enumerate(x[m:]):
            s = score(value) - mean
            log_e = bet * (s - total / (m + n)) - normaliser - 0.5 * bet * bet * squares / (m + n)
            r = (r + 1.0) * math.exp(log_e)
            total += s
        out.append(r)
    return out
