"""Betting on ranks where columns are odd: constants, rare flags, double ranks, references that grow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.stats.null_streams import autoregressive, watched

from homeostat.stats.exchangeability import ExchangeabilityMonitor
from homeostat.stats.martingales import BETS, EPOCH, HEAD_START, TiltedMartingales, head_start, log2
from homeostat.stats.portable import exp
from homeostat.stats.ranks import double_ranks, score_table
from homeostat.stats.whitening import fit


def test_a_constant_column_is_never_evidence() -> None:
    """That it stays what it is wins nothing, however long: after 60,000 rows an e-value of about one."""
    watch, most = watched([np.full(60_000, 7.0)], batch=400)

    assert most <= 1.6 * EPOCH
    assert watch.bets.e_value == pytest.approx(1.0, abs=0.1)
    assert watch.rare.tolist() == [0]


@given(scores=st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=40), end=st.floats(0.0, 4.0))
def test_a_reference_never_wins_against_itself(scores: list[float], end: float) -> None:
    """The mean of each bet over the reference's own scores is at most 1, whatever their extremes."""
    bets, values = TiltedMartingales.start(1), np.asarray(scores)

    mean = bets.refer(0, values, (-end, end), head_start=0.0)

    powers = np.asarray(exp(np.asarray(BETS)[:, None] * (values - mean)))
    assert (powers.mean(axis=1) <= np.asarray(exp(bets.normaliser[0])) * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("p", [0.0005, 0.002, 0.01, 0.03])
def test_rare_flags_alarm_no_more_often_than_promised(p: float) -> None:
    """A/A: 40 streams of 20,000 rows at ten times what was put in: at most 11 alarm (99.9 % of binomial(40, .1))."""
    rng = np.random.default_rng(11)
    streams = [(rng.random(20_000) < p).astype(float) for _ in range(40)]

    alarms = sum(watched([one], batch=250)[1] >= 10.0 * (HEAD_START + 20_000.0) for one in streams)

    assert alarms <= 11


def test_rare_flags_that_become_frequent_are_found() -> None:
    """From .2 % to 5 % within 800 rows, and a constant that becomes another within 50, at a run length of 1e8."""
    rng = np.random.default_rng(12)
    flag = (rng.random(1800) < np.where(np.arange(1800) < 1000, 0.002, 0.05)).astype(float)
    constant = np.where(np.arange(1050) < 1000, 7.0, 8.0)

    found = [watched([column])[0] for column in (flag, constant)]

    assert [watch.bets.statistic >= 1e8 for watch in found] == [True, True]
    assert found[0].largest_shift() > 0.3


def test_one_stray_value_of_a_constant_is_not_decisive() -> None:
    """It is worth less than ten times what was put in."""
    column = np.full(2000, 7.0)
    column[1500] = 8.0

    assert watched([column])[1] < 10.0 * (HEAD_START + 2000.0)


def test_rows_kept_for_the_reference_are_bounded() -> None:
    """A column that moves while the reference grows, and then no longer comes, leaves its evidence there for ever."""
    rng = np.random.default_rng(13)
    moving = np.concatenate((rng.normal(size=200), rng.normal(3.0, 1.0, 200), np.full(5000, np.nan)))

    watch, _ = watched([moving, rng.normal(size=5400)])

    assert watch.due
    assert sum(part.shape[1] for part in watch.raw) == watch.n_raw < 2 * 512 + 50


def test_a_better_reference_gives_no_second_chance() -> None:
    """What a channel has lost stays lost when it is referred to again, but for the rest of the head start."""
    bets = TiltedMartingales.start(1)
    bets.share[:] = 1.0
    scores = np.random.default_rng(14).normal(size=128)
    bets.refer(0, scores, (-3.0, 3.0), head_start=head_start(128, 512))
    bets.update(np.array([0.0]), np.array([4000.0]))
    lost = float(bets.e_values()[0])

    bets.refer(0, scores, (-3.0, 3.0), head_start=head_start(512, 512))

    assert lost < 0.65
    assert float(bets.e_values()[0]) == pytest.approx(lost, rel=1e-9)


@given(first=st.integers(32, 400), times=st.integers(0, 6))
def test_head_starts_of_references_that_double_are_one(first: int, times: int) -> None:
    """All together never more than is subtracted from what is promised."""
    full, rows, total = first << times, first, 0.0
    while rows < full:
        total, rows = total + head_start(rows, full), 2 * rows

    assert total + head_start(full, full) <= HEAD_START


def test_evidence_does_not_tire() -> None:
    """After a million calm rows a shift of .3 that reaches 1e8 rows of run length is worth 13 bits."""
    rng, bets = np.random.default_rng(15), TiltedMartingales.start(1)
    bets.share[:] = 1.0
    bets.refer(0, rng.normal(size=512), (-3.0, 3.0), head_start=HEAD_START)
    for _ in range(2500):
        bets.update(rng.normal(0.0, 20.0, 1), np.array([400.0]))

    for _ in range(4):
        bets.update(rng.normal(0.3 * 400.0, 20.0, 1), np.array([400.0]))

    assert bets.statistic >= 1e8
    assert log2(bets.e_value) >= log2(1e8 / EPOCH)


def test_looking_after_every_batch_keeps_the_promise() -> None:
    """Of 300 streams of 2,000 rows at most 44 ever show an e-value of 10 (99.9 % of binomial(300, .1))."""
    rng = np.random.default_rng(16)

    seen = sum(_most_e(rng.normal(size=(1, 2000)).astype(np.float32)) >= 10.0 for _ in range(300))

    assert seen <= 44


def _most_e(x: np.ndarray) -> float:
    watch, most = ExchangeabilityMonitor.start(1, first=128, full=512), 0.0
    for start in range(0, x.shape[1], 100):
        watch.update(x[:, start : start + 100])
        most = max(most, watch.bets.e_value)
    return most


@given(reference=st.lists(st.integers(-5, 5), min_size=1, max_size=30), value=st.integers(-7, 7))
def test_a_double_rank_counts_below_and_not_above(reference: list[int], value: int) -> None:
    """Ties count once."""
    values = np.array(sorted(reference), np.float32)

    found = double_ranks(values, np.array([value], np.float32))[0]

    assert found == sum(r < value for r in reference) + sum(r <= value for r in reference)


def test_scores_rise_and_are_symmetric() -> None:
    """Location scores rise with the rank; both channels treat the two sides alike."""
    location, spread = score_table(20)

    assert (np.diff(location) > 0.0).all()
    assert location.tolist() == pytest.approx((-location[::-1]).tolist())
    assert spread.tolist() == pytest.approx(spread[::-1].tolist())


def test_whitening_finds_the_coefficient() -> None:
    """Of an AR(1), and leaves white noise as it is."""
    rng = np.random.default_rng(10)

    phi, is_white = fit(np.stack([autoregressive(rng, 2000, 0.7), rng.normal(size=2000)]))

    assert phi[0] == pytest.approx(0.7, abs=0.06)
    assert phi[1] == 0.0
    assert is_white.all()


def test_the_number_of_columns_stays() -> None:
    """Another number is refused and changes nothing."""
    watch = ExchangeabilityMonitor.start(2, first=64, full=128)

    with pytest.raises(ValueError, match="expected 2 columns"):
        watch.update(np.zeros((3, 5), np.float32))
    assert watch.n_raw == 0


@pytest.mark.parametrize(("first", "full"), [(16, 128), (200, 100)])
def test_a_reference_has_a_size(first: int, full: int) -> None:
    """Of 32 rows at least, and the first is not the larger one."""
    with pytest.raises(ValueError, match="must hold"):
        ExchangeabilityMonitor.start(1, first=first, full=full)
