"""Numbers for people: divergence, calibration, lag, slices, blindness, season."""

import math

import msgspec
import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, of, registered, run
from tests.unit.drift_detector.test_champion import applied

from homeostat.core import Payload
from homeostat.events import DeploymentObserved, DriftDetected, IndicatorComputed, Samples
from homeostat.events.columns import F4, F8
from homeostat.events.logs import INDICATORS
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.input.baseline import Baseline
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State
from homeostat.stats.divergence import kullback_leibler, population_stability
from homeostat.stats.hours import Hours

_EVERY = Settings(divergence_every=1)


def _told(timeline: list[Payload], settings: Settings = _EVERY) -> list[tuple[int, IndicatorComputed]]:
    return of(run(timeline, fold=DriftDetector(settings))[1], IndicatorComputed)


def _values(told: list[tuple[int, IndicatorComputed]], name: str) -> list[float]:
    return [one.value for _, one in told if one.name == name]


def _hours(state: State) -> Hours:
    """What rows are like at other hours."""
    assert state.monitors.rows is not None
    assert state.monitors.rows.season is not None
    return state.monitors.rows.season.hours


def test_indicators_come_once_per_500_rows() -> None:
    """One set per 500 served rows, under the model's key, with what is behind each number."""
    stream = Stream(4)

    _, emits = run(stream.quiet(30, 0.2))

    found = of(emits, IndicatorComputed)
    assert [offset for offset, value in found if value.name == "n_rows"] == [10, 20, 30]
    assert [(v.name, v.n) for offset, v in found if offset == 10] == [
        ("n_rows", 500),
        ("mean_score", 500),
        ("error_rate", 100),
        ("brier", 100),
        ("expected_calibration_error", 100),
    ]
    assert {(emit.log, emit.subject) for _, emit in emits if isinstance(emit.data, IndicatorComputed)} == {
        (INDICATORS, None)
    }


def test_a_moved_feature_exceeds_its_threshold() -> None:
    """The index of population stability is small while nothing moves, and large of the one that did."""
    stream = Stream(1)
    settings = Settings(divergence_every=1, run_length=1e280, psi_thresholds=(("f0", 1e-9),))
    timeline = [*stream.quiet(40), *(stream.samples(0.05, [0.0, 1.5]) for _ in range(40))]

    told = _told(timeline, settings)

    assert max(_values(told, "psi.f2")) < 0.25
    assert _values(told, "psi.f1")[-1] > 0.25
    assert _values(told, "kl.f1")[-1] > 0.1
    assert _values(told, "psi_exceeded.f1")
    assert _values(told, "psi_exceeded.f0")
    assert not _values(told, "psi_exceeded.f2")


def test_divergences_are_what_their_definitions_say() -> None:
    """Half a count more in each bin, then the sums."""
    expected, seen = np.array([[3.0, 5.0, 2.0]]), np.array([[1.0, 0.0, 9.0]])
    p = [(c + 0.5) / 11.5 for c in (3.0, 5.0, 2.0)]
    q = [(c + 0.5) / 11.5 for c in (1.0, 0.0, 9.0)]

    stability = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    divergence = sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))

    assert population_stability(expected, seen)[0] == pytest.approx(stability)
    assert kullback_leibler(expected, seen)[0] == pytest.approx(divergence)


def test_calibration_is_told() -> None:
    """Scores of .9 where half is wrong: a Brier score near .41 and a calibration error near .4."""
    stream = Stream(2, n_labels=50)

    told = _told([registered(), *(stream.samples(0.5) for _ in range(20))])

    assert _values(told, "brier")[-1] == pytest.approx(0.5 * 0.81 + 0.5 * 0.01, abs=0.06)
    assert _values(told, "expected_calibration_error")[-1] == pytest.approx(0.4, abs=0.07)


def test_the_lag_of_labels_is_told() -> None:
    """Mean and longest of those that came."""
    stream = Stream(3)
    rows = [stream.samples(inline=False) for _ in range(20)]
    late = [stream.late(one, Stream(3).samples(), lag=100.0) for one in rows]

    told = _told([registered(), *(event for pair in zip(rows, late, strict=True) for event in pair)])

    assert _values(told, "label_lag_seconds")[-1] == pytest.approx(100.0)
    assert _values(told, "label_lag_seconds_max")[-1] == pytest.approx(100.0)


def test_errors_are_told_apart_by_slice() -> None:
    """At most eight values of a feature; the others count together."""
    stream = Stream(4, n_labels=50)
    events = []
    for _ in range(20):
        samples = stream.samples(0.2)
        values = samples.matrix().copy()
        values[0] = np.arange(50) % 12
        events.append(msgspec.structs.replace(samples, values=values.astype(F4).tobytes()))

    told = _told([registered(), *events], Settings(slices=("f0",)))

    names = sorted({one.name for _, one in told if one.name.startswith("error_rate.f0.")})
    assert names == [*(f"error_rate.f0.{i}" for i in range(8)), "error_rate.f0.other"]


def test_a_detector_that_sees_says_so() -> None:
    """An injected shift of one deviation is found in some hundred rows; with a run length beyond reach it is blind."""
    stream = Stream(5)

    seeing = _told(stream.quiet(60))
    blind = _told(Stream(5).quiet(60), Settings(divergence_every=1, run_length=1e280))

    assert _values(seeing, "is_blind")[-1] == 0.0
    assert 50.0 <= _values(seeing, "rows_to_find_one_deviation")[-1] <= 400.0
    assert _values(blind, "is_blind")[-1] == 1.0


def _seasonal(days: int, seed: int) -> list[Samples]:
    """Two events an hour; f0 follows the time of day."""
    stream, events = Stream(seed, n_features=1), []
    for number in range(days * 48):
        samples, seconds = stream.samples(), 1800.0 * number
        wave = 2.0 * math.sin(2.0 * math.pi * (seconds // 3600.0) / 24.0)
        values = (samples.matrix() + np.float32(wave)).astype(F4)
        time = seconds + np.arange(50, dtype=F8)
        events.append(msgspec.structs.replace(samples, values=values.tobytes(), time=time.tobytes()))
    return events


def test_a_day_alarms_nobody() -> None:
    """Not even the first one; how far the day goes is told once it is known."""
    timeline: list[Payload] = [registered(1), *_seasonal(10, 6)]

    state, emits = run(timeline, fold=DriftDetector(_EVERY), splits={200, 300})

    assert _hours(state).is_known
    assert not of(emits, DriftDetected)
    assert _values(of(emits, IndicatorComputed), "seasonal_range.f0")[-1] == pytest.approx(4.0, abs=0.6)


def test_without_the_season_every_day_is_a_drift() -> None:
    """Switched off, the same stream alarms again and again."""
    timeline: list[Payload] = [registered(1), *_seasonal(10, 6)]

    emits = run(timeline, fold=DriftDetector(Settings(is_seasonal=False)))[1]

    assert len([offset for offset, _ in of(emits, DriftDetected) if offset > 48 * 5]) > 3


def test_a_shift_stays_far_from_what_the_champion_saw_at_first() -> None:
    """A detection begins the tests anew, not the comparison: told with it, and as long as the champion serves."""
    stream = Stream(7)
    shifted: list[Payload] = [stream.samples(0.05, [0.0, 1.5]) for _ in range(120)]
    after: list[Payload] = [stream.samples(0.05, [0.0, 1.5], version="v2") for _ in range(40)]
    timeline = [*stream.quiet(40), *shifted, DeploymentObserved(version="v2"), *after]

    _, emits = run(timeline, fold=DriftDetector(_EVERY), splits={100})

    told, found = of(emits, IndicatorComputed), of(emits, DriftDetected)
    exceeded = [offset for offset, one in told if one.name == "psi_exceeded.f1"]
    assert exceeded[0] == found[0][0]
    assert len([offset for offset in exceeded if 60 < offset <= 160]) >= 9
    assert exceeded[-1] <= 161
    assert not [one for _, one in told if one.name == "psi_exceeded.f0"]


def test_values_that_go_missing_are_far_from_what_was() -> None:
    """Unknown values are a bin like any other, and so is what lies beyond all that was seen."""
    rng, baseline = np.random.default_rng(8), Baseline()
    first = rng.standard_normal((2, 512)).astype(F4)
    first[1] = 7.0
    baseline.update(first, reference_rows=512)
    later = rng.standard_normal((2, 200)).astype(F4)
    later[0, ::4], later[1] = np.nan, 3.0

    baseline.update(later, reference_rows=512)

    assert baseline.expected[0].tolist() == pytest.approx([0.0, *[51.2] * 10, 0.0, 0.0], abs=1.0)
    assert baseline.expected[1, -3] == 512.0
    assert (baseline.seen[0, -1], baseline.seen[1, 0], float(baseline.seen.sum())) == (50.0, 100.0, 200.0)
    assert (population_stability(baseline.expected, baseline.seen) > 1.0).all()


@pytest.mark.parametrize("column", ["latency_seconds", "score", "prediction"])
def test_every_watched_column_has_a_season(column: str) -> None:
    """What follows the time of day alarms nobody; events may span the hours."""
    stream, timeline = Stream(9), list[Payload]([registered()])
    for number in range(48 * 10):
        samples, times = stream.samples(inline=False), 1800.0 * number + 30.0 * np.arange(50, dtype=F8)
        wave = np.sin(2.0 * math.pi * (times // 3600.0) / 24.0)
        values = 1.0 + wave + 0.1 * stream.rng.standard_normal(50)
        replaced = {"time": times.tobytes(), column: values.astype(F8).tobytes()}
        timeline.append(msgspec.structs.replace(samples, **replaced))

    state, emits = run(timeline, splits={300})

    assert _hours(state).is_known
    assert not of(emits, DriftDetected)
    assert _values(of(emits, IndicatorComputed), f"seasonal_range.{column}")[-1] > 3.0


def test_calibration_is_told_before_and_after_a_retrain() -> None:
    """Once, when the promoted champion has labels enough; each number names the champion of its time."""
    stream = Stream(10, n_labels=50)
    timeline = [*stream.quiet(20, 0.5), applied("promote"), *(stream.samples(0.1, version="v2") for _ in range(40))]

    told = _told(timeline)

    assert _values(told, "brier_before") == pytest.approx([0.41], abs=0.04)
    assert _values(told, "brier_after") == pytest.approx([0.09], abs=0.03)
    assert _values(told, "expected_calibration_error_before") == pytest.approx([0.4], abs=0.05)
    assert _values(told, "expected_calibration_error_after") == pytest.approx([0.02], abs=0.03)
    assert [(offset < 22, one.version) for offset, one in told] == [
        (offset < 22, "v1" if offset < 22 else "v2") for offset, _ in told
    ]


def test_other_columns_have_another_season() -> None:
    """A contract with more features, or a wish for fewer columns, begins the season anew."""
    rows = _seasonal(6, 11)
    timeline: list[Payload] = [registered(1), *rows[:240], registered(2), *rows[240:]]

    known, _ = run(timeline[:241])
    state, _ = run(timeline)

    assert _hours(known).is_known
    assert _hours(state).n_columns == 5
    assert _hours(state).first > _hours(known).first
