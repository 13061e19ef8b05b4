"""The governor: law is serial, so one state folds the whole governance log."""

from typing import Any, Final

from governor import commands, deciding, holdback, law, lifecycle
from governor.authority import authorise, remember
from governor.settings import GovernorSettings
from governor.state import Model, State
from homeostat.core import Emit, Event, Reject
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProposed,
    ActionRequested,
    ActionReverted,
    ActionSettled,
    ApprovalDenied,
    ApprovalGiven,
    BudgetSet,
    CanaryJudged,
    CandidateTrained,
    ClockTicked,
    DeploymentObserved,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    ModelRegistered,
    RevertRequested,
    RoleGranted,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
)
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY

_REVERT_TTL_MS: Final = 3_600_000


class Governor:
    """Answers every proposal, request, judgement and report with verdicts and commands."""

    name = "governor"
    log: str = GOVERNANCE
    is_door = False

    def __init__(self, settings: GovernorSettings | None = None) -> None:
        self.settings = settings or GovernorSettings()

    def unit(self, subject: str) -> str:
        """One state for the whole log."""
        return GOVERNANCE_KEY

    def initial(self, subject: str) -> State:
        """No keys, no rules but the defaults, nothing in flight."""
        return State()

    def state_type(self) -> type[State]:
        """State."""
        return State

    def wake_at(self, state: State) -> int | None:
        """When the next action or holdback expires."""
        waiting = (*state.actions.values(), *state.holdbacks.values())
        return min((action.expires_at for action in waiting), default=None)

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of governance in.

        Raises:
            Reject: A request that whoever signed it may not make, or about nothing that is known.
        """
        emits = self._answer(state, event)
        remember(state, event.data, event.time, self.settings.heard_requests)
        return state, emits

    def _answer(self, state: State, event: Event) -> tuple[Emit, ...]:
        data: Any = event.data
        match data:
            case CanaryJudged():
                return lifecycle.judged(state, data)
            case CandidateTrained():
                return lifecycle.trained(state, data)
            case ActionRequested():
                scope = data.family.partition("/")[0]
                principal = authorise(state, event, data, "operator", scope)
                return deciding.propose(state, event, data, self.settings, principal)
            case ActionProposed():
                return deciding.propose(state, event, data, self.settings)
            case ActionApplied():
                return lifecycle.applied(state, data, event.time)
            case ActionSettled():
                return lifecycle.settled(state, data, event.time)
            case ActionFailed():
                return lifecycle.failed(state, data, event.time)
            case ClockTicked():
                return lifecycle.expire(state, event.time)
            case ApprovalGiven() | ApprovalDenied():
                return deciding.answer(state, event, data, self.settings)
            case FreezeLifted():
                return law.enact(state, event, data) + lifecycle.resume(state)
            case (
                KeyRegistered()
                | KeyRevoked()
                | RoleGranted()
                | RulesSet()
                | BudgetSet()
                | FreezeSet()
                | ScopeConfigured()
                | SourceDistrusted()
            ):
                return law.enact(state, event, data)
            case ModelRegistered():
                return self._registered(state, data)
            case DeploymentObserved():
                return self._deployed(state, event, data)
            case RevertRequested():
                return self._revert(state, event, data)
            case ActionReverted():
                lifecycle.serve(state, data.model or "", data.rollout.champion, data.rollout.champion_artifact)
            case _:
                pass  # burn.reported and brake.confirmed are for eyes
        return ()

    def _registered(self, state: State, data: ModelRegistered) -> tuple[Emit, ...]:
        """Take a model in; one that is known keeps its champion, as a client may register at each start."""
        assert data.model is not None  # intake sets it
        family = f"{data.model.partition('/')[0]}/{data.family}"
        is_new = all(model.family != family for model in state.models.values())
        known = state.models.get(data.model)
        if known is None:
            state.models[data.model] = Model(family, data.champion, data.artifact, data.tier)
        else:
            known.family, known.tier = family, data.tier
        return law.welcome(state, family) if is_new else ()

    def _deployed(self, state: State, event: Event, data: DeploymentObserved) -> tuple[Emit, ...]:
        subject = data.model or ""
        if subject not in state.models:
            return ()
        is_other = data.version != state.models[subject].champion
        ended = lifecycle.replaced(state, subject, data.version, data.artifact, event.time)
        lifecycle.serve(state, subject, data.version, data.artifact)
        return (*ended, *holdback.drop_of(state, subject, event.time)) if is_other else ended

    def _revert(self, state: State, event: Event, data: RevertRequested) -> tuple[Emit, ...]:
        authorise(state, event, data, "operator", data.model.partition("/")[0])
        back = lifecycle.last_good(state, data.model)
        if back is None:
            raise Reject("nothing_to_revert", f"{data.model} has no earlier version that is known to be good")
        withdrawn = lifecycle.withdraw(state, data.model, event.identity, event.time)
        return (commands.revert(state, event.identity, data.model, back, event.time + _REVERT_TTL_MS), *withdrawn)
