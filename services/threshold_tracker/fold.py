"""The tracker of one model's alert thresholds: from values of its signals and approved bands to `threshold.moved`."""

from typing import assert_never

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionApplied,
    ActionReverted,
    DeploymentObserved,
    ModelRegistered,
    Samples,
    SignalObserved,
    SliObserved,
)
from homeostat.events.history import is_history
from homeostat.events.logs import TIMELINE
from homeostat.events.series import OF_UNCERTAINTY, series_of
from homeostat.services.threshold_tracker.settings import TrackerSettings
from homeostat.services.threshold_tracker.state import State

Input = Samples | SignalObserved | SliObserved | ModelRegistered | DeploymentObserved | ActionApplied | ActionReverted
"""What it reads of the timeline."""


class ThresholdTracker:
    """Fold over the timeline; one state per model.

    Signals come by their events; the uncertainty is made of the rows that the champion served.
    """

    name = "threshold_tracker"
    log: str = TIMELINE
    is_door = False

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()

    def unit(self, subject: str) -> str:
        """Each model has its own state."""
        return subject

    def initial(self, subject: str) -> State:
        """Return the state of a model without a band."""
        return State()

    def state_type(self) -> type[State]:
        """`State`."""
        return State

    def wake_at(self, state: State) -> int | None:
        """Time alone changes nothing here."""
        return None

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event in; nothing is refused, as intake has checked it all."""
        data, settings = event.data, self.settings
        if not isinstance(data, Input) or is_history(data):
            return state, ()
        match data:
            case Samples():
                value = state.uncertainty.update(data, event.source, settings)
                if value is not None:
                    return state, state.thresholds.update(event, OF_UNCERTAINTY, value, settings)
            case SignalObserved():
                series = series_of(data.name, data.layer, data.attributes)
                return state, state.thresholds.update(event, series, data.value, settings)
            case SliObserved():
                series = series_of(data.name, data.layer, None)
                return state, state.thresholds.update(event, series, data.value, settings)
            case ModelRegistered():
                state.uncertainty.register(data)
            case DeploymentObserved():
                state.uncertainty.announce(data.version)
            case ActionReverted():
                state.uncertainty.reset(data.rollout.champion)
            case ActionApplied():
                if data.rollout is not None and data.rollout_verb in ("promote", "revert"):
                    state.uncertainty.reset(data.rollout.champion)
                if data.kind == "threshold":
                    state.thresholds.approve(data.band, settings)
            case _:
                assert_never(data)
        return state, ()
