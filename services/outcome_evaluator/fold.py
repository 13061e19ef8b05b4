"""Scores every candidate on the same labelled traffic as the champion, and emits what an action did."""

from typing import assert_never

from homeostat.core import Emit, Event
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionReverted,
    BillReceived,
    CandidateTrained,
    ClockTicked,
    DeploymentObserved,
    Labels,
    ModelRegistered,
    Samples,
    SliObserved,
)
from homeostat.events.history import is_history
from homeostat.events.logs import TIMELINE
from homeostat.services.outcome_evaluator.comparison import check, compare_labels, compare_samples
from homeostat.services.outcome_evaluator.cost.charges import charge_bill, charge_training
from homeostat.services.outcome_evaluator.rollout import apply, revert
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.settlement import settle_failed
from homeostat.services.outcome_evaluator.state import State

Input = (
    ActionApplied
    | ActionFailed
    | ActionReverted
    | BillReceived
    | CandidateTrained
    | ClockTicked
    | DeploymentObserved
    | Labels
    | ModelRegistered
    | Samples
    | SliObserved
)
"""Payloads of the timeline that it reads; others pass by."""


class OutcomeEvaluator:
    """Canary judgements and measured outcomes, per model.

    A candidate is compared on the rows that it and the reference answered, by request. Labels come with
    `labels.observed`, which has all answers; or inside samples, and then the last requests are remembered
    until every version has answered. Each request counts once: a label that is corrected later corrects the payoffs,
    and is no new evidence for or against the canary. Synthetic rows are not compared.
    """

    name = "outcome_evaluator"
    log: str = TIMELINE
    is_door = False

    def __init__(self, settings: EvaluatorSettings | None = None) -> None:
        self.settings = settings or EvaluatorSettings()

    def unit(self, subject: str) -> str:
        """One state per model."""
        return subject

    def initial(self, subject: str) -> State:
        """Return a state without an action."""
        return State()

    def state_type(self) -> type[State]:
        """State."""
        return State

    def wake_at(self, state: State) -> int | None:
        """When a canary that has its labels has soaked for long enough; the governor ends what gets no labels."""
        return None if state.analysis is None else state.analysis.next_check_at

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of the timeline in."""
        data = event.data
        if not isinstance(data, Input) or is_history(data):
            return state, ()
        match data:
            case Samples():
                return state, compare_samples(state, event, data, self.settings)
            case Labels():
                return state, compare_labels(state, event, data, self.settings)
            case ActionApplied():
                return state, apply(state, event, data, self.settings)
            case ActionReverted():
                return state, revert(state, event, data, self.settings)
            case ActionFailed():
                return state, settle_failed(state, event, data)
            case CandidateTrained():
                return state, charge_training(state.costs, event, data, state.actions_in_use)
            case BillReceived():
                return state, charge_bill(state.costs, event, data, self.settings)
            case ClockTicked():
                return state, check(state, event, self.settings)
            case SliObserved():
                state.update_indicator(data, event.time)
            case DeploymentObserved():
                state.production.update_serving(data.version)
            case ModelRegistered():
                state.register(data)
            case _:
                assert_never(data)
        return state, ()
