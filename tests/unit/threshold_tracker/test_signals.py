"""Thresholds on named signals: several at once, two operating points, from the events alone."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from tests.unit.drift_detector.stream import of, registered
from tests.unit.threshold_tracker.tracker_driver import approved, run

from homeostat.core import Payload
from homeostat.events import Band, SignalObserved, SliObserved, ThresholdMoved

RATE = Band(signal="queue", rate=0.05, low=-1e6, high=1e6, eta=0.5)
PAGE = Band(signal="queue", operating_point="page", rate=0.01, low=0.0, high=10.0, eta=0.5)


def signal(value: float, name: str = "queue") -> SignalObserved:
    """One value."""
    return SignalObserved(layer="service", name=name, value=value)


def noise(n: int, seed: int = 0) -> list[float]:
    """Standard normal values."""
    values: list[float] = np.random.default_rng(seed).standard_normal(n).tolist()
    return values


def told(payloads: Sequence[Payload], operating_point: str) -> list[tuple[int, ThresholdMoved]]:
    """What was said of one operating point, by offset."""
    moved = of(run([registered(), *payloads])[1], ThresholdMoved)
    return [(offset, move) for offset, move in moved if move.operating_point == operating_point]


def test_rows_above_the_threshold_can_be_told_from_the_emits() -> None:
    """Each value between an emit with an alert and the next without is above the threshold that was in force."""
    values = noise(600)
    timeline = [registered(), approved(RATE), *map(signal, values)]

    state, emits = run(timeline)

    above, is_alert = 0, False
    by_offset = dict(of(emits, ThresholdMoved))
    for offset, value in enumerate(values, start=2):
        if offset in by_offset:
            is_alert = by_offset[offset].is_alert
            assert is_alert == (value > by_offset[offset].threshold)
        above += is_alert
    assert above == state.thresholds.placed.trackers["queue/service//rate"].n_alarms > 0


def test_an_incident_is_one_page() -> None:
    """A level never seen, for ten values: one emit with an alert, at once, and one without when it is no news."""
    values = noise(400, 3)
    values[300:310] = [9.0 + value for value in values[300:310]]

    moved = told([approved(PAGE), *map(signal, values)], "page")

    incident = [(offset, move.is_alert) for offset, move in moved if offset >= 302]
    assert incident[0] == (302, True)
    assert [is_alert for _, is_alert in incident] == [True, False]
    assert next(move for offset, move in moved if offset == 302).value > 0.83


def test_pages_are_at_least_a_period_of_the_rate_apart() -> None:
    """However wild the signal: more than 1 / rate values to the next, unless that is three times as surprising."""
    values = [value * (1.05**i) for i, value in enumerate(noise(800))]

    pages = [
        (offset, move.value) for offset, move in told([approved(PAGE), *map(signal, values)], "page") if move.is_alert
    ]

    assert len(pages) >= 3
    for (before, height), (offset, value) in itertools.pairwise(pages):
        assert offset - before > 100 or value >= 3.0 * height


def test_both_operating_points_and_several_signals_do_not_touch_each_other() -> None:
    """Each says the same beside the others as alone; a signal without a band says nothing."""
    other = Band(signal="latency_seconds", rate=0.1, low=0.0, high=9.0, eta=0.5)
    values, latencies = noise(300), noise(300, 1)
    alone = [move for _, move in told([approved(PAGE), *map(signal, values)], "page")]
    mixed: list[Payload] = [approved(RATE), approved(other), approved(PAGE)]
    for value, latency in zip(values, latencies, strict=True):
        mixed += [
            signal(value),
            SliObserved(name="latency_seconds", layer="latency", value=latency, window_seconds=60.0),
            signal(value, "unheard"),
        ]

    moved = [move for _, move in of(run([registered(), *mixed])[1], ThresholdMoved)]

    assert [move for move in moved if move.operating_point == "page"] == alone
    assert {move.signal for move in moved} == {"queue", "latency_seconds"}


def test_a_new_band_keeps_what_is_known() -> None:
    """A pinned band clips the next threshold at once; the values seen before still count when it is widened again."""
    pinned = Band(signal="queue", rate=0.05, low=7.0, high=7.0, eta=0.5)
    values = noise(200)

    state, emits = run([registered(), approved(RATE), *map(signal, values), approved(pinned), signal(8.0)])
    again, _ = run([registered(), approved(RATE), *map(signal, values), approved(pinned), approved(RATE), signal(0.0)])

    last = of(emits, ThresholdMoved)[-1][1]
    assert (last.threshold, last.is_alert) == (7.0, True)
    assert state.thresholds.placed.trackers["queue/service//rate"].n == 201
    conformal = again.thresholds.placed.trackers["queue/service//rate"].conformal
    assert conformal is not None
    assert conformal.threshold < 3.0


def test_bands_are_bounded_and_can_be_taken_back() -> None:
    """The oldest of too many approvals leaves; an approval of nothing takes all back."""
    many = [approved(RATE.model_copy(update={"signal": f"s{i}"})) for i in range(40)]

    assert list(run([registered(), *many])[0].thresholds.trackers) == [f"s{i}/rate" for i in range(8, 40)]
    assert run([registered(), *many, approved(None)])[0].thresholds.trackers == {}


def test_a_great_incident_breaks_through_the_quiet() -> None:
    """A page by chance, eighty values before: what is three times as surprising pages all the same."""
    values = noise(400)
    values[300:310] = [19.0 + value for value in values[300:310]]

    pages = [offset for offset, move in told([approved(PAGE), *map(signal, values)], "page") if move.is_alert]

    assert 302 in pages
    assert any(202 <= offset < 302 for offset in pages)


@pytest.mark.parametrize("value", [1e30, -1e30])
def test_no_value_is_too_large(value: float) -> None:
    """A measurement gone wild pages and breaks nothing after it."""
    timeline = [approved(PAGE), approved(RATE), *map(signal, [*noise(200), value, *noise(200, 1)])]

    pages = [offset for offset, move in told(timeline, "page") if move.is_alert]

    assert 203 in pages


def test_a_snapshot_loses_nothing() -> None:
    """Stored and restored in mid-stream, an alert included, the same is said."""
    values = noise(300)
    values[250] = 30.0
    timeline = [registered(), approved(PAGE), approved(RATE), *map(signal, values)]

    assert run(timeline)[1] == run(timeline, splits=[40, 150, 254, 290])[1]
