"""The watch over columns: its guarantee, its power, and that it may be cut anywhere."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.codec import decode_state, encode_state
from homeostat.stats.exchangeability import ExchangeabilityWatch
from homeostat.stats.martingales import BETS, EPOCH, HEAD_START, TiltedMartingales, head_start, log2
from homeostat.stats.portable import exp
from homeostat.stats.ranks import double_ranks, score_table
from homeostat.stats.whitening import fit

Draw = Callable[[np.random.Generator, int], np.ndarray]
_NORMAL = NormalDist()

LAWS: dict[str, Draw] = {
    "gauss": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "t3": lambda rng, n: rng.standard_t(3.0, size=n),
    "classes": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "rare": lambda rng, n: (rng.random(n) < 0.03).astype(float),
    "ar": lambda rng, n: _ar(rng, n, 0.6),
}


def _ar(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    values, noise = np.empty(n), rng.normal(size=n)
    last = noise[0] / math.sqrt(1.0 - phi * phi)
    for i in range(n):
        values[i] = last = phi * last + noise[i]
    return values


def _watch(columns: list[np.ndarray], *, batch: int = 50) -> tuple[ExchangeabilityWatch, float]:
    """Run a watch over columns; return it and its largest statistic."""
    x = np.stack(columns).astype(np.float32)
    watch, most = ExchangeabilityWatch.start(len(columns), first=128, full=512), 0.0
    for start in range(0, x.shape[1], batch):
        watch.update(x[:, start : start + batch])
        most = max(most, watch.bets.statistic)
    return watch, most


@pytest.mark.parametrize("law", LAWS)
def test_null_streams_alarm_no_more_often_than_promised(law: str) -> None:
    """A/A: of 60 streams of 2,000 rows, at ten times what was put in, at most 14 alarm (99.9 % of binomial(60, .1)).

    The law of the streams is not known to the watch, one has ties, one rare values, one a memory.
    """
    rng = np.random.default_rng(1)

    alarms = sum(_watch([LAWS[law](rng, 2000)], batch=100)[1] >= 10.0 * (HEAD_START + 2000.0) for _ in range(60))

    assert alarms <= 14


def test_500_null_streams_stay_in_the_binomial_band() -> None:
    """500 Gaussian streams of 800 rows at fifty times what was put in: at most 19 alarms (99.9 % band)."""
    rng = np.random.default_rng(2)

    alarms = sum(_watch([rng.normal(size=800)], batch=160)[1] >= 50.0 * (HEAD_START + 800.0) for _ in range(500))

    assert alarms <= 19


def test_the_mean_e_value_of_null_streams_is_at_most_one() -> None:
    """Over 200 streams of 1,000 rows, within three standard errors."""
    rng = np.random.default_rng(3)

    e = np.array([_watch([rng.normal(size=1000)], batch=250)[0].bets.e_value for _ in range(200)])

    assert e.mean() <= 1.0 + 3.0 * e.std() / math.sqrt(len(e))


@pytest.mark.parametrize("law", ["gauss", "lognormal", "t3", "classes"])
def test_a_shift_of_one_deviation_is_found_within_150_rows(law: str) -> None:
    """Whatever the law, at a run length of 1e8."""
    rng = np.random.default_rng(4)
    column = LAWS[law](rng, 1500)
    column[1000:] += column.std()

    watch, _ = _watch([column[:1150]])

    assert watch.bets.statistic >= 1e8


def test_a_feature_that_stands_still_is_found() -> None:
    """An outage that repeats the median has no shift of location, but of spread."""
    rng = np.random.default_rng(5)
    column = rng.normal(size=1200)
    column[1000:] = 0.0

    watch, _ = _watch([column])

    assert watch.bets.statistic >= 1e8


def test_the_guilty_column_is_named() -> None:
    """One of eight moves by half a deviation."""
    rng = np.random.default_rng(6)
    columns = [rng.normal(size=1400) for _ in range(8)]
    columns[5][1000:] += 0.5

    watch, most = _watch(columns)

    assert most >= 1e8
    assert watch.guilty(0.05) == [5]


def test_a_long_memory_is_left_to_blocks() -> None:
    """A wave under noise is not white after its AR(1): no bets on it, so no false alarms."""
    rng = np.random.default_rng(7)
    column = 2.0 * np.sin(np.arange(1200) / 8.0) + rng.normal(size=1200)

    watch, most = _watch([column, rng.normal(size=1200)])

    assert watch.is_white.tolist() == [0.0, 1.0]
    assert watch.known[0] == 0.0
    assert most < 1e6


def test_missing_values_carry_no_evidence() -> None:
    """A column with gaps is judged by what is there; one that stops coming says nothing."""
    rng = np.random.default_rng(8)
    gaps, stops = rng.normal(size=1200), rng.normal(size=1200)
    gaps[::3] = np.nan
    stops[700:] = np.nan

    watch, most = _watch([gaps, stops])

    assert most < 1e6
    assert watch.bets.rows[0] == pytest.approx(2.0 * (1200 - 550) / 3.0, abs=20.0)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 24), seed=st.integers(0, 5))
def test_a_snapshot_changes_nothing(cut: int, seed: int) -> None:
    """Stored and restored between any two batches, the watch ends in the same bytes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 1200)).astype(np.float32)
    x[2] = np.round(x[2])
    once, twice = (ExchangeabilityWatch.start(3, first=64, full=512) for _ in range(2))

    for i in range(24):
        if i == cut:
            twice = decode_state(encode_state(twice), ExchangeabilityWatch)
        for watch in (once, twice):
            watch.update(x[:, 50 * i : 50 * (i + 1)])

    assert encode_state(once) == encode_state(twice)


def test_it_is_what_the_definition_says() -> None:
    """Row by row, in plain Python: rank, score, tilt by each bet, predictive distribution, R = (R + 1) e."""
    rng = np.random.default_rng(9)
    x = np.round(rng.normal(size=400), 1).astype(np.float32)
    watch = ExchangeabilityWatch.start(1, first=100, full=100)
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


def test_a_constant_column_is_never_evidence() -> None:
    """That it stays what it is wins nothing, however long: after 60,000 rows an e-value of about one."""
    watch, most = _watch([np.full(60_000, 7.0)], batch=400)

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

    alarms = sum(_watch([one], batch=250)[1] >= 10.0 * (HEAD_START + 20_000.0) for one in streams)

    assert alarms <= 11


def test_rare_flags_that_become_frequent_are_found() -> None:
    """From .2 % to 5 % within 800 rows, and a constant that becomes another within 50, at a run length of 1e8."""
    rng = np.random.default_rng(12)
    flag = (rng.random(1800) < np.where(np.arange(1800) < 1000, 0.002, 0.05)).astype(float)
    constant = np.where(np.arange(1050) < 1000, 7.0, 8.0)

    found = [_watch([column])[0] for column in (flag, constant)]

    assert [watch.bets.statistic >= 1e8 for watch in found] == [True, True]
    assert found[0].largest_shift() > 0.3


def test_one_stray_value_of_a_constant_is_not_decisive() -> None:
    """It is worth less than ten times what was put in."""
    column = np.full(2000, 7.0)
    column[1500] = 8.0

    assert _watch([column])[1] < 10.0 * (HEAD_START + 2000.0)


def test_rows_kept_for_the_reference_are_bounded() -> None:
    """A column that moves while the reference grows, and then no longer comes, leaves its evidence there for ever."""
    rng = np.random.default_rng(13)
    moving = np.concatenate((rng.normal(size=200), rng.normal(3.0, 1.0, 200), np.full(5000, np.nan)))

    watch, _ = _watch([moving, rng.normal(size=5400)])

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
    watch, most = ExchangeabilityWatch.start(1, first=128, full=512), 0.0
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

    phi, is_white = fit(np.stack([_ar(rng, 2000, 0.7), rng.normal(size=2000)]))

    assert phi[0] == pytest.approx(0.7, abs=0.06)
    assert phi[1] == 0.0
    assert is_white.all()


def test_the_number_of_columns_stays() -> None:
    """Another number is refused and changes nothing."""
    watch = ExchangeabilityWatch.start(2, first=64, full=128)

    with pytest.raises(ValueError, match="expected 2 columns"):
        watch.update(np.zeros((3, 5), np.float32))
    assert watch.n_raw == 0


@pytest.mark.parametrize(("first", "full"), [(16, 128), (200, 100)])
def test_a_reference_has_a_size(first: int, full: int) -> None:
    """Of 32 rows at least, and the first is not the larger one."""
    with pytest.raises(ValueError, match="must hold"):
        ExchangeabilityWatch.start(1, first=first, full=full)
