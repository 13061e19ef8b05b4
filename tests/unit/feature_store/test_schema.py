"""The schema is what the fold computes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.drift_detector.stream import Stream, of, run

from homeostat.core import Payload
from homeostat.events import ProfileUpdated
from homeostat.events.meta_features import SCHEMA


@settings(max_examples=8, deadline=None)
@given(
    error=st.floats(0.0, 1.0),
    shift=st.lists(st.floats(-9.0, 9.0), max_size=3),
    score=st.floats(0.0, 1.0),
    seed=st.integers(0, 3),
)
def test_every_profile_has_the_names_and_ranges_of_the_schema(
    error: float, shift: list[float], score: float, seed: int
) -> None:
    """Whatever happens to a model: these names, in this order, each value where the schema says."""
    stream = Stream(seed)
    timeline: list[Payload] = [*stream.quiet(40), *(stream.samples(error, shift, score=score) for _ in range(30))]

    for _, profile in of(run(timeline)[1], ProfileUpdated):
        assert tuple(profile.meta_features) == SCHEMA.names
        for feature in SCHEMA.features:
            assert feature.low <= profile.meta_features[feature.name] <= feature.high, feature.name


def test_an_incident_is_profiled_at_all() -> None:
    """So that the test above has something to look at."""
    stream = Stream(0)
    timeline: list[Payload] = [*stream.quiet(40), *(stream.samples(0.6, [4.0]) for _ in range(30))]

    assert of(run(timeline)[1], ProfileUpdated)
