"""Signals of one name at several places: each has its own threshold, and their number is bounded."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.drift_detector.stream import of, registered
from tests.unit.threshold_tracker.test_signals import PAGE, RATE, noise, signal
from tests.unit.threshold_tracker.tracker_driver import approved, run

from homeostat.codec import encode_state
from homeostat.core import Emit, Payload
from homeostat.events import Band, IndicatorComputed, SignalObserved, SliObserved, ThresholdMoved
from homeostat.events.series import attributes_text
from homeostat.services.threshold_tracker.fold import ThresholdTracker
from homeostat.services.threshold_tracker.settings import TrackerSettings

Said = list[tuple[int, Emit]]


def at(value: float, node: Any, layer: Any = "kubernetes", **others: Any) -> SignalObserved:
    """One value of a node."""
    return SignalObserved(layer=layer, name="queue", value=value, attributes={"node": node, **others})


def moves(emits: Said, **attributes: Any) -> list[ThresholdMoved]:
    """What was said of the series with these attributes; true is not 1."""
    text = attributes_text(attributes)
    return [move for _, move in of(emits, ThresholdMoved) if attributes_text(move.attributes or {}) == text]


def untracked(emits: Said) -> list[float]:
    """How many values were left out, as it was said."""
    return [data.value for _, data in of(emits, IndicatorComputed) if data.name == "signals_untracked"]


def test_a_node_that_jumps_is_not_hidden_by_a_busier_one() -> None:
    """Load .2 and .8 by turns; then .75 on the node that had .2: nothing new for the other one, an alert here."""
    timeline: list[Payload] = [registered(), approved(RATE)]
    for low in noise(400):
        timeline += [at(0.2 + 0.01 * low, "a"), at(0.8 + 0.01 * low, "b", "edge")]
    n = len(timeline)
    timeline += [at(0.75, "a")]

    _, emits = run(timeline)

    thresholds = {node: moves(emits, node=node)[-1].threshold for node in ("a", "b")}
    assert 0.2 < thresholds["a"] < 0.25
    assert 0.8 < thresholds["b"] < 0.85
    (alert,) = of([one for one in emits if one[0] >= n], ThresholdMoved)
    assert (alert[1].is_alert, alert[1].layer, alert[1].attributes) == (True, "kubernetes", {"node": "a"})


@settings(max_examples=20, deadline=None)
@given(
    series=st.lists(
        st.tuples(
            st.sampled_from(["edge", "service"]),
            st.dictionaries(
                st.sampled_from(["zone", "node", "shard"]), st.sampled_from(["a", 1, 1.5, True]), max_size=3
            ),
        ),
        min_size=2,
        max_size=4,
        unique_by=lambda one: (one[0], str(sorted(one[1].items()))),
    ),
    band=st.sampled_from([RATE, PAGE]),
    seed=st.integers(0, 99),
)
def test_what_is_said_of_a_series_is_what_is_said_of_it_alone(series: list[Any], band: Band, seed: int) -> None:
    """Whatever the others do; the order in which attributes are written does not matter."""
    rng, mixed = np.random.default_rng(seed), list[Payload]()
    alone: list[list[Payload]] = [[] for _ in series]
    for _ in range(60):
        number = int(rng.integers(len(series)))
        layer, attributes = series[number]
        turned = dict(reversed(attributes.items())) if rng.random() < 0.5 else attributes
        value = SignalObserved(layer=layer, name="queue", value=float(rng.normal(number, 1.0)), attributes=turned)
        mixed.append(value)
        alone[number].append(value)

    _, emits = run([registered(), approved(band), *mixed])

    for (layer, attributes), own in zip(series, alone, strict=True):
        expected = [move for _, move in of(run([registered(), approved(band), *own])[1], ThresholdMoved)]
        said = [move for move in moves(emits, **attributes) if move.layer == layer]
        assert said == expected


def test_indicators_of_two_layers_and_the_models_uncertainty_are_three_series() -> None:
    """Though all are called `uncertainty`: rows of the model go on as without the others."""
    band = RATE.model_copy(update={"signal": "uncertainty"})
    own = run([registered(), approved(band)])[0].thresholds.trackers

    state, emits = run(
        [
            registered(),
            approved(band),
            *(SliObserved(name="uncertainty", layer="cost", value=9.0, window_seconds=1.0) for _ in range(9)),
            *(SignalObserved(layer="service", name="uncertainty", value=5.0) for _ in range(5)),
        ]
    )

    assert state.thresholds.trackers == own
    assert {move.layer for _, move in of(emits, ThresholdMoved)} == {"cost", "service"}
    assert {key: tracker.n for key, tracker in state.thresholds.placed.trackers.items()} == {
        "uncertainty/cost//rate": 9,
        "uncertainty/service//rate": 5,
    }


def test_the_band_that_says_most_counts() -> None:
    """For a node, for a layer, for all others; a series keeps what is known of it when its band changes."""
    pinned = {value: RATE.model_copy(update={"low": value, "high": value}) for value in (5.0, 6.0, 7.0)}
    of_layer = pinned[6.0].model_copy(update={"layer": "kubernetes"})
    of_node = pinned[7.0].model_copy(update={"layer": "kubernetes", "attributes": {"node": "a"}})
    values: list[Payload] = [at(0.0, "a", zone="z"), at(0.0, "b"), at(0.0, "a", "edge")]

    state, emits = run([registered(), *map(approved, (of_node, of_layer, pinned[5.0])), *values])
    later, _ = run([registered(), approved(pinned[5.0]), *values, approved(of_node), *values])

    said = {(move.layer, (move.attributes or {})["node"]): move.threshold for _, move in of(emits, ThresholdMoved)}
    assert said == {("kubernetes", "a"): 7.0, ("kubernetes", "b"): 6.0, ("edge", "a"): 5.0}
    assert [tracker.n for tracker in later.thresholds.placed.trackers.values()] == [2, 2, 2]
    assert len(state.thresholds.placed.trackers) == 3


@pytest.mark.parametrize("band", [RATE, PAGE])
def test_attributes_without_end_do_not_grow_the_state(band: Band) -> None:
    """An id of a request with each value: the places are kept, the rest is counted and said, ever more rarely."""
    timeline: list[Payload] = [registered(), approved(band), *(at(0.0, f"n{i}") for i in range(10))]
    for i in range(1500):
        timeline += [at(float(i), f"request-{i}"), at(float(i % 7), f"n{i % 10}")]

    state, emits = run(timeline)

    assert len(state.thresholds.placed.trackers) == 64
    kept = {key: tracker for key, tracker in state.thresholds.placed.trackers.items() if tracker.n > 1}
    assert sorted(tracker.attributes["node"] for tracker in kept.values()) == [f"n{i}" for i in range(10)]
    assert state.thresholds.placed.n_untracked == 1500 - 54
    assert untracked(emits) == [2.0**i for i in range(11)]
    for key in kept:
        del state.thresholds.placed.trackers[key]
    assert len(encode_state(state)) < 40_000


def test_a_place_that_was_asked_for_finds_room() -> None:
    """By its attributes, though others came first; these make room, and no place that was asked for too."""
    junk: list[Payload] = [at(0.0, f"request-{i}") for i in range(100)]
    of_node = RATE.model_copy(update={"attributes": {"node": "a"}})

    state, _ = run([registered(), approved(RATE), *junk, approved(of_node), at(1.0, "a"), *junk])

    assert state.thresholds.placed.trackers['queue/kubernetes/{"node":"a"}/rate'].n == 1
    assert len(state.thresholds.placed.trackers) == 64


def test_a_place_that_is_gone_makes_room() -> None:
    """An hour without a value, as pods come and go; one that goes on keeps what is known of it."""
    fold = ThresholdTracker(TrackerSettings(n_series=4))
    timeline: list[Payload] = [registered(), approved(RATE), *(at(0.0, f"old-{i}") for i in range(4))]
    timeline += [at(0.0, "old-3")] * 3610
    timeline += [at(0.0, f"new-{i}") for i in range(4)]

    state, emits = run(timeline, fold=fold)

    nodes = sorted(str(tracker.attributes["node"]) for tracker in state.thresholds.placed.trackers.values())
    assert nodes == ["new-0", "new-1", "new-2", "old-3"]
    assert untracked(emits) == [1.0]


def test_a_name_beyond_measure_is_not_tracked() -> None:
    """A kilobyte of attributes is no place."""
    state, emits = run([registered(), approved(RATE), at(0.0, "x" * 2000), at(0.0, "x")])

    assert list(state.thresholds.placed.trackers) == ['queue/kubernetes/{"node":"x"}/rate']
    assert untracked(emits) == [1.0]


def test_a_snapshot_loses_no_series() -> None:
    """Stored and restored in mid-stream, the same is said of each."""
    timeline: list[Payload] = [registered(), approved(PAGE), approved(RATE)]
    timeline += [at(value, i % 70, shard=i % 2) for i, value in enumerate(noise(900))]

    assert run(timeline)[1] == run(timeline, splits=[40, 150, 254, 700])[1]


def test_taking_the_bands_back_forgets_all_series() -> None:
    """And what was left out."""
    state, _ = run([registered(), approved(RATE), *(at(0.0, i) for i in range(80)), approved(None)])

    assert (state.thresholds.trackers, state.thresholds.placed.trackers, state.thresholds.placed.n_untracked) == (
        {},
        {},
        0,
    )
    assert run([registered(), signal(1.0)])[1] == []
