"""A detector that watches nothing says so, and when it sees again."""

import msgspec
import numpy as np
from tests.unit.drift_detector.stream import Stream, of, registered, run
from tests.unit.drift_detector.test_overrides import overriding

from homeostat.core import Payload
from homeostat.events import IndicatorComputed, Samples
from homeostat.events.columns import F4, f8
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.settings import Settings
from homeostat.services.drift_detector.state import State


def told(timeline: list[Payload], settings: Settings | None = None) -> tuple[State, list[tuple[int, str, float]]]:
    """The state, and what was said of blindness: where, name, value."""
    state, emits = run(timeline, fold=DriftDetector(settings), splits={10, 40})
    said = [(at, one.name, one.value) for at, one in of(emits, IndicatorComputed) if one.name.startswith("is_blind")]
    return state, said


def lost(samples: Samples) -> Samples:
    """Its features do not come."""
    return msgspec.structs.replace(samples, values=np.full_like(samples.matrix(), np.nan).tobytes())


def swinging(samples: Samples) -> Samples:
    """Each feature swings, once in 200 rows, with a little noise."""
    swing = np.sin(2.0 * np.pi * f8(samples.time) / 200.0)
    return msgspec.structs.replace(samples, values=(swing + 0.01 * samples.matrix()).astype(F4).tobytes())


def test_a_model_without_features_is_blind_from_its_first_bucket_on() -> None:
    """Predictions and scores are watched; whatever happens to its inputs is not."""
    stream = Stream(1, n_features=0)
    timeline: list[Payload] = [registered(0), *(stream.samples() for _ in range(60))]

    state, said = told(timeline)

    assert said == [(1, "is_blind", 1.0), (1, "is_blind.no_features", 1.0)]
    assert DriftDetector().blindness(state) == "no_features"


def test_a_model_that_is_registered_again_with_features_is_not() -> None:
    """Once they are watched."""
    bare, stream = Stream(1, n_features=0), Stream(2)
    timeline: list[Payload] = [registered(0), *(bare.samples() for _ in range(10))]
    timeline += [registered(3), *(stream.samples() for _ in range(20))]

    state, said = told(timeline)

    assert [(name, value) for _, name, value in said[-2:]] == [("is_blind", 0.0), ("is_blind.no_features", 0.0)]
    assert DriftDetector().blindness(state) == ""


def test_features_that_never_come_are_not_watched() -> None:
    """There is nothing to compare: said after 1,000 rows."""
    stream = Stream(2)
    timeline: list[Payload] = [registered(), *(lost(stream.samples()) for _ in range(30))]

    state, said = told(timeline)

    assert said == [(20, "is_blind", 1.0), (20, "is_blind.nothing_watched", 1.0)]
    assert DriftDetector().blindness(state) == "nothing_watched"


def test_columns_with_a_memory_are_watched_by_no_row() -> None:
    """The means of blocks are, later; without that fall-back nothing ever is."""
    stream = Stream(3)
    timeline: list[Payload] = [registered(), *(swinging(stream.samples()) for _ in range(60))]

    alone, both = told(timeline, Settings(members=("martingale",)))[1], told(timeline)[1]

    assert alone == [(20, "is_blind", 1.0), (20, "is_blind.nothing_watched", 1.0)]
    assert both[:2] == alone
    assert [(name, value) for _, name, value in both[2:]] == [("is_blind", 0.0), ("is_blind.nothing_watched", 0.0)]


def test_features_that_stop_for_good_leave_the_detector_blind() -> None:
    """The outage is a drift; what is learned after it is nothing, and that is said too."""
    stream = Stream(4)
    timeline = [*stream.quiet(60), *(lost(stream.samples()) for _ in range(100))]
    back: list[Payload] = [*timeline, *(stream.samples() for _ in range(60))]

    state, said = told(timeline)

    assert [(name, value) for _, name, value in said] == [("is_blind", 1.0), ("is_blind.nothing_watched", 1.0)]
    assert said[0][0] > 60
    assert DriftDetector().blindness(state) == "nothing_watched"
    assert DriftDetector().blindness(told(back)[0]) == ""


def test_who_wants_no_detector_of_inputs_is_not_blind() -> None:
    """Switched off by its owner: there is nothing to alarm about."""
    stream = Stream(5)
    timeline: list[Payload] = [overriding(members=("adwin",)), *(stream.samples() for _ in range(40))]

    state, said = told(timeline)

    assert said == []
    assert DriftDetector().blindness(state) == ""


def test_one_that_sees_says_nothing_until_it_is_asked() -> None:
    """Every so many indicators it says that it is not blind; labels or none are no matter."""
    timeline = Stream(6).quiet(60)

    assert told(timeline)[1] == []
    assert {value for _, _, value in told(timeline, Settings(divergence_every=1))[1]} == {0.0}


def test_a_shift_that_would_not_be_found_is_a_cause() -> None:
    """Tried as soon as the reference is whole."""
    state, said = told(Stream(7).quiet(60), Settings(run_length=1e280))

    assert [(name, value) for _, name, value in said] == [("is_blind", 1.0), ("is_blind.small_shift", 1.0)]
    assert DriftDetector().blindness(state) == "small_shift"
