"""Answers the questions of training jobs from the runs that all jobs of the family have recorded."""

from collections.abc import Iterable
from typing import assert_never

from homeostat.core import Emit, Event
from homeostat.events import (
    AdviceRequested,
    ClockTicked,
    EpisodeRecorded,
    FamilyObserved,
    RulesSet,
    SourceDistrusted,
    SourceTrusted,
)
from homeostat.events.logs import EXPERIENCE, INDICATORS
from homeostat.services.training_advisor.pending_requests import PendingRequest
from homeostat.services.training_advisor.settings import AdvisorSettings
from homeostat.services.training_advisor.state import State

Emits = tuple[Emit, ...]
Input = AdviceRequested | ClockTicked | EpisodeRecorded | FamilyObserved | RulesSet | SourceDistrusted | SourceTrusted
"""Payloads of experience that it reads; the rest is for the meta-learner."""


class TrainingAdvisor:
    """From recorded runs and questions to answers, and to indicators of how good these were."""

    name = "training_advisor"
    log: str = EXPERIENCE
    is_door = False

    def __init__(self, settings: AdvisorSettings | None = None) -> None:
        self.settings = settings or AdvisorSettings()

    def unit(self, subject: str) -> str:
        """One state per family."""
        return subject

    def initial(self, subject: str) -> State:
        """Nothing learned."""
        return State()

    def state_type(self) -> type[State]:
        """State."""
        return State

    def wake_at(self, state: State) -> int | None:
        """When questions have waited long enough for rules, ms."""
        return state.pending.until

    def step(self, state: State, event: Event) -> tuple[State, Emits]:
        """Fold one event of experience in."""
        data = event.data
        if not isinstance(data, Input):
            return state, ()
        match data:
            case EpisodeRecorded():
                return state, state.advisor.update(event.subject, data)
            case AdviceRequested():
                request = PendingRequest(event.identity, event.story, data)
                is_pending = state.pending.update(request, self.settings)
                return state, () if is_pending else _answers(state, [request])
            case FamilyObserved():
                state.pending.announce(event.time, self.settings)
            case RulesSet():
                state.rules, state.pending.has_rules = data, True
                return state, _answers(state, state.pending.release())
            case ClockTicked():
                return state, _answers(state, state.pending.release() if state.pending.is_due(event.time) else [])
            case SourceDistrusted():
                state.advisor.distrust(data.source)
            case SourceTrusted():
                state.advisor.trust(data.source)
            case _:
                assert_never(data)
        return state, ()


def _answers(state: State, requests: Iterable[PendingRequest]) -> Emits:
    return tuple(
        Emit(INDICATORS, state.advisor.answer(one.identity, one.request, state.rules), story=one.story)
        for one in requests
    )
