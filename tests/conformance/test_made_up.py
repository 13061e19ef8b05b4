"""The shipped checks and strategies hold what they promise, on good folds and on bad ones."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.codec import Record, decode_event
from homeostat.codec.state import StateInvalid
from homeostat.core import Emit, Event, Reject
from homeostat.events import ActionApplied, Band, IndicatorComputed, Labels, Samples, SignalObserved
from homeostat.events.logs import INDICATORS, TELEMETRY, TIMELINE
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.threshold_tracker.fold import ThresholdTracker
from homeostat.testing import conformance
from homeostat.testing.conformance import CHECKS, Check
from homeostat.testing.counter import Count, Counter
from homeostat.testing.purity_sandbox import ImpureError
from homeostat.testing.requirement import NotConforming
from homeostat.testing.signals import signals as made_up
from homeostat.testing.strategies import labels, models, numbers, observations, records, samples, signals, subjects

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_records(n: int) -> list[Record]:
    """A partition of the counter's log: some are refused, some set a timer."""
    made = made_up(TIMELINE, n, seed=1)
    return [Record(o.topic, "t", 0, i, 1_000 + 20 * i, o.key, o.value, o.headers) for i, o in enumerate(made)]


@few
@given(records(TIMELINE, signals()))
def test_the_counter_conforms_on_any_log(made: list[Record]) -> None:
    """Whatever signals it is given."""
    for check in CHECKS:
        check(Counter, made)


@few
@given(records(TELEMETRY, observations()))
def test_the_telemetry_door_conforms_on_any_log(made: list[Record]) -> None:
    """Models, samples, labels and the rest, in any order, matching or not."""
    for check in CHECKS:
        check(TelemetryIntake, made)


@few
@given(records(TIMELINE, st.one_of(models().map(lambda m: m.model_copy(update={"model": "team/m0"})), samples())))
def test_the_drift_detector_conforms_on_any_log(made: list[Record]) -> None:
    """Samples before and after registrations, with missing values."""
    for check in CHECKS:
        check(DriftDetector, made)


def queues() -> st.SearchStrategy[SignalObserved]:
    """Values of one signal at two places."""
    nodes = st.builds(lambda node: {"node": node}, st.sampled_from(("a", "b")))
    return st.builds(SignalObserved, layer=st.just("edge"), name=st.just("queue"), value=numbers(), attributes=nodes)


def approvals() -> st.SearchStrategy[ActionApplied]:
    """Bands that took effect, of that signal and of the uncertainty, and all of them taken back."""
    points, names = st.sampled_from(("rate", "page")), st.sampled_from(("queue", "uncertainty"))
    sizes = {"rate": st.just(0.1), "low": st.just(0.0), "high": st.just(1.0), "eta": st.just(0.2)}
    bands = st.none() | st.builds(Band, signal=names, operating_point=points, **sizes)
    named = {"action": "a", "command": "c", "kind": "threshold", "family": "team/f0", "model": "team/m0"}
    return st.builds(ActionApplied, band=bands, **{name: st.just(value) for name, value in named.items()})


@few
@given(records(TIMELINE, st.one_of(queues(), queues(), samples(), approvals())))
def test_the_threshold_tracker_conforms_on_any_log(made: list[Record]) -> None:
    """Signals before and after their bands, at both operating points."""
    for check in CHECKS:
        check(ThresholdTracker, made)


@few
@given(records(TELEMETRY, st.one_of(samples(), labels(), models()), subject=subjects()))
def test_made_up_payloads_pass_the_door(made: list[Record]) -> None:
    """The codec takes them as they would come from a client."""
    for record in made:
        event = decode_event(record, time=0, emitter="", is_door=True)

        assert not isinstance(event.data, Samples | Labels) or event.data.n_rows >= 1


class Wrong(Counter):
    """A fold with one fault, given by a subclass."""


class AsksTheClock(Wrong):
    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        state.n += round(time.time()) % 2
        return super().step(state, event)


class Guesses(Wrong):
    def _say(self, event: Event, name: str, value: float) -> Emit:
        return super()._say(event, name, value + random.SystemRandom().randrange(1_000_000))


class ChangesBeforeItChecks(Wrong):
    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        if isinstance(event.data, SignalObserved):
            state.checksum += 1
        return super().step(state, event)


class RemembersOutsideItsState(Wrong):
    def __init__(self) -> None:
        super().__init__()
        self.n_seen = 0

    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        self.n_seen += isinstance(event.data, SignalObserved)
        state, emits = super().step(state, event)
        return state, (*emits, self._say(event, "seen", self.n_seen)) if emits else ()


@dataclass(slots=True)
class Lossy:
    """A state whose `n` the codec does not see: it is no field."""

    checksum: int = 0


class LosesState(Wrong):
    def initial(self, subject: str) -> Any:
        return {"n": 0, "keys": {1: 2}}

    def step(self, state: Any, event: Event) -> tuple[Any, tuple[Emit, ...]]:
        if not isinstance(event.data, SignalObserved):
            return state, ()
        if event.data.value < 0:
            raise Reject("out_of_range", "no")
        state["n"] += 1
        return state, (Emit(INDICATORS, IndicatorComputed(model=event.subject, name="n", value=state["n"])),)

    def wake_at(self, state: Any) -> int | None:
        return None

    def state_type(self) -> type[Any]:
        return Lossy


class AnswersStrangers(Wrong):
    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        if not isinstance(event.data, SignalObserved):
            return state, (self._say(event, "stranger", 1.0),)
        return super().step(state, event)


class NeverStopsWaiting(Wrong):
    def step(self, state: Count, event: Event) -> tuple[Count, tuple[Emit, ...]]:
        if not isinstance(event.data, SignalObserved):
            return state, ()
        return super().step(state, event)


class EmitsWhatNobodyListed(Wrong):
    def _say(self, event: Event, name: str, value: float) -> Emit:
        return Emit(TIMELINE, IndicatorComputed(model=event.subject, name=name, value=value))


@pytest.mark.parametrize(
    ("fold", "check"),
    [
        (AsksTheClock, conformance.uses_nothing_but_its_log),
        (Guesses, conformance.same_log_same_bytes),
        (ChangesBeforeItChecks, conformance.a_refusal_changes_nothing),
        (RemembersOutsideItsState, conformance.resumes_anywhere),
        (RemembersOutsideItsState, conformance.subjects_are_independent),
        (AnswersStrangers, conformance.unknown_types_are_ignored),
        (NeverStopsWaiting, conformance.wakes_as_it_says),
        (EmitsWhatNobodyListed, conformance.says_what_the_catalogue_knows),
    ],
)
def test_a_fault_is_seen(fold: Callable[[], Wrong], check: Check) -> None:
    """Each check is sharp: a fold with the fault does not pass it."""
    with pytest.raises((NotConforming, ImpureError)):
        check(fold, as_records(80))


def test_a_state_that_is_not_what_it_says_is_seen() -> None:
    """The codec cannot read it back as `state_type`."""
    with pytest.raises(StateInvalid, match="no place for n"):
        conformance.states_survive_the_codec(LosesState, as_records(80))
