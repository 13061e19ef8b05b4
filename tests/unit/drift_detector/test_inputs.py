"""Moved inputs, and values that nobody should send but somebody does."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.core import Payload
from homeostat.events import DriftCleared, DriftDetected, ProfileUpdated, Samples
from homeostat.events.columns import F4, F8


@pytest.mark.parametrize("seed", range(5))
def test_a_shifted_feature_is_found_and_named(seed: int) -> None:
    """One standard deviation of a row on f1: found within 5 buckets of 50 rows, f1 is guilty, the onset is the shift.

    Over 40 seeds: delay p90 3 buckets, onset exact in 39, one bucket early in 1.
    """
    stream = Stream(seed)
    timeline: list[Payload] = [*stream.quiet(60), *(stream.samples(0.05, [0.0, 1.0]) for _ in range(20))]

    (offset, found), *_ = of(run(timeline)[1], DriftDetected)

    assert 0 <= offset - 61 <= 5
    assert (found.kind, found.detector, found.features[0]) == ("data", "martingale", "f1")
    assert 60 <= int(found.onset.first.split(".", 1)[0]) <= 63


def test_a_harmless_shift_is_cleared_after_its_profiles() -> None:
    """Inputs that moved without harm: profiles up to 80 labels, then cleared, once and for all."""
    stream = Stream(1)
    timeline: list[Payload] = [*stream.quiet(60), *(stream.samples(0.05, [2.0]) for _ in range(60))]

    _, emits = run(timeline)

    assert len(of(emits, DriftDetected)) == 1
    assert len(of(emits, DriftCleared)) == 1
    assert of(emits, ProfileUpdated)[-1][1].labels_since_onset == 80


def test_risen_errors_take_the_place_of_moved_inputs() -> None:
    """A shift is found first, the errors it causes a little later: two stories, the second is open."""
    stream = Stream(2)
    timeline: list[Payload] = [*stream.quiet(60), *(stream.samples(0.4, [3.0]) for _ in range(15))]

    state, emits = run(timeline)

    assert [drift.kind for _, drift in of(emits, DriftDetected)] == ["data", "concept"]
    assert state.drift is not None
    assert state.drift.kind == "concept"


def test_a_missing_feature_is_missing_and_no_shift() -> None:
    """Features that come in another place move nothing; those that stop coming are told as missing, and once each."""
    stream = Stream(3)
    timeline = stream.quiet(40)
    for i in range(40):
        samples = stream.samples()
        order = [2, 0] if i % 2 else [1, 2]
        timeline.append(
            msgspec.structs.replace(
                samples,
                features=[samples.features[k] for k in order],
                values=np.ascontiguousarray(samples.matrix()[order]).tobytes(),
            )
        )

    found = of(run(timeline)[1], DriftDetected)

    assert [(drift.detector, drift.features) for _, drift in found] == [("missing", ("f0",)), ("missing", ("f1",))]


wild = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=4, max_size=4),
            st.lists(wild, min_size=2, max_size=2),
            st.lists(wild, min_size=2, max_size=2),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=40,
    ),
    kind=st.sampled_from(["classifier", "regressor"]),
)
def test_no_value_stops_the_detector(
    events: list[tuple[list[float], list[float], list[float], float]], kind: str
) -> None:
    """Any features, scores and labels, any finite predictions: every emit is valid, meta-features are bounded."""
    timeline: list[Payload] = [registered(2).model_copy(update={"kind": kind})]
    for i, (values, score, label, prediction) in enumerate(events * 8):
        timeline.append(
            Samples(
                version="v1",
                role="champion",
                request=[f"{i}a", f"{i}b"],
                time=np.array([i, i], F8).tobytes(),
                features=["f0", "f1"],
                values=np.array(values, F4).tobytes(),
                prediction=np.array([prediction, 1.0], F8).tobytes(),
                score=np.array(score, F8).tobytes(),
                label=np.array(label, F8).tobytes(),
            )
        )

    _, emits = run(timeline)

    for _, profile in of(emits, ProfileUpdated):
        assert all(-3.0 <= value <= 3.0 for value in profile.meta_features.values())
