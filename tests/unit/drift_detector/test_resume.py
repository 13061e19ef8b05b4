"""A restored state goes on as if nothing had happened."""

from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.drift_detector.stream import MODEL, Stream, run

from homeostat.codec import encode_payload, encode_state
from homeostat.core import Payload
from homeostat.events import ActionApplied, Band, DeploymentObserved, Samples

BAND = Band(signal="uncertainty", rate=0.1, low=0.0, high=0.6, eta=0.2)


def _with_columns(samples: Samples, n: int) -> Samples:
    """The same rows with the first n features only."""
    values = samples.matrix()[:n].tobytes()
    return msgspec.structs.replace(samples, features=samples.features[:n], values=values)


@cache
def story() -> tuple[Payload, ...]:
    """A history with everything in it: bands, shifts, jumps, late labels, a healed fault, a deployment."""
    stream = Stream(11, n_rows=20)
    approved = ActionApplied(action="a", command="c", kind="threshold", model=MODEL, family="acme/cameras", band=BAND)
    timeline: list[Payload] = [*stream.quiet(50), approved, *(stream.samples(0.05, [2.0]) for _ in range(30))]
    timeline += [stream.samples(0.6, score=0.6) for _ in range(40)]
    timeline += [stream.samples(0.05) for _ in range(20)]
    for n_known in (3, 1, 2, 3):  # columns that stop coming, all and some of them
        timeline += [_with_columns(stream.samples(0.05), n_known) for _ in range(14)]
    timeline.append(DeploymentObserved(version="v2"))
    for _ in range(50):
        served = stream.samples(0.1, version="v2")
        timeline.append(stream.samples(0.1, version="v2", inline=False))
        timeline.append(stream.late(served, served, lag=0.0))
    return tuple(timeline)


@cache
def unsplit() -> tuple[list[tuple[int, str, bytes]], bytes]:
    """Outputs and last state without a stop."""
    return outputs(set())


def outputs(splits: set[int]) -> tuple[list[tuple[int, str, bytes]], bytes]:
    """Outputs as bytes, with their offset and story, and the last state."""
    state, emits = run(story(), splits=splits)
    return [(at, str(emit.story), encode_payload(emit.data)[0]) for at, emit in emits], encode_state(state)


@settings(max_examples=25, deadline=None)
@given(splits=st.sets(st.integers(0, 297), max_size=12))
def test_a_history_may_be_split_anywhere(splits: set[int]) -> None:
    """Stored and restored at any offsets, the detector says the same and ends in the same state, byte by byte."""
    assert outputs(splits) == unsplit()


def test_the_history_is_worth_splitting() -> None:
    """It leads to every kind of output there is."""
    types = {type(emit.data).__name__ for _, emit in run(story())[1]}

    assert types == {
        "DriftDetected",
        "DriftCleared",
        "EvidenceUpdated",
        "ProfileUpdated",
        "IndicatorComputed",
        "ThresholdGraded",
    }
