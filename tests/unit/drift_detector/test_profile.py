"""What the learner is told of a drift."""

import msgspec
from tests.unit.drift_detector.stream import Stream, of, run

from homeostat.core import Payload
from homeostat.events import DriftDetected, ProfileUpdated, Provenance, Samples
from homeostat.services.drift_detector.drift.profile import NAMES


def profiles(error: float, shift: list[float], score: float, seed: int = 0) -> list[ProfileUpdated]:
    """Profiles of an incident of 60 events after 100 quiet ones."""
    stream = Stream(seed)
    timeline: list[Payload] = [*stream.quiet(100), *(stream.samples(error, shift, score=score) for _ in range(60))]
    return [profile for _, profile in of(run(timeline)[1], ProfileUpdated)]


def test_profiles_come_at_doubling_numbers_of_labels() -> None:
    """Of one drift: at most once per mark 10, 20, 40, … 320, at the first event that reaches it."""
    stream = Stream(1)
    timeline: list[Payload] = [*stream.quiet(100), *(stream.samples(0.05, [1.0]) for _ in range(12))]

    found = [profile.labels_since_onset for _, profile in of(run(timeline)[1], ProfileUpdated)]

    assert found == sorted(set(found))
    assert found[-2:] == [40, 80]


def test_there_are_twelve_bounded_numbers() -> None:
    """Whatever happens, the twelve names come, in [-3, 3], and the window ends where the profile was made."""
    for incident in (profiles(0.6, [5.0, 5.0, 5.0], 0.3), profiles(0.05, [0.5], 0.9), profiles(0.95, [], 0.99)):
        assert incident
        for profile in incident:
            assert tuple(profile.meta_features) == NAMES
            assert len(NAMES) == 12
            assert all(-3.0 <= value <= 3.0 for value in profile.meta_features.values())
            assert profile.window is not None
            assert profile.window.rows == profile.labels_since_onset


def test_kinds_of_incidents_look_different() -> None:
    """Moved inputs, risen errors and lost confidence show in the numbers named after them."""
    moved, wrong, unsure = profiles(0.05, [3.0], 0.9), profiles(0.5, [], 0.9), profiles(0.5, [], 0.5)

    assert moved[-1].meta_features["shift_max"] > 2.0 > wrong[-1].meta_features["shift_max"]
    assert wrong[-1].meta_features["error_rise"] > 1.0 > moved[-1].meta_features["error_rise"]
    assert unsure[-1].meta_features["confidence_drop"] > 1.0 > abs(wrong[-1].meta_features["confidence_drop"])


def test_a_drift_found_late_is_profiled_at_once() -> None:
    """Labels that were known at the detection count: the first profile comes in the same step."""
    stream = Stream(2)
    timeline: list[Payload] = [*stream.quiet(100), *(stream.samples(0.3) for _ in range(10))]

    _, emits = run(timeline)

    offset, drift = of(emits, DriftDetected)[0]
    assert of(emits, ProfileUpdated)[0][0] == offset
    assert of(emits, ProfileUpdated)[0][1].labels_since_onset == drift.onset.rows


def test_a_profile_names_the_clients_whose_rows_it_rests_on() -> None:
    """Those of rows since the onset; one that published only before is not among them."""

    def by(samples: Samples, source: str) -> Samples:
        return msgspec.structs.replace(samples, provenance=Provenance(scope="acme", source=source, id="1"))

    stream = Stream(2)
    first, *quiet = stream.quiet(100)
    before = [by(one, "/early") for one in quiet if isinstance(one, Samples)]
    after = [by(stream.samples(0.6, [3.0]), "/late" if i % 2 else "/later") for i in range(40)]

    found = [profile.sources for _, profile in of(run([first, *before, *after])[1], ProfileUpdated)]

    assert found[-1] == ("/late", "/later")
