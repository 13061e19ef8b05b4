"""The governor: law is serial, so one state folds the whole governance log."""

from typing import Any, Final

from governor import commands, law, lifecycle
from governor.authority import authorise
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
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY, POLICY_ROLLOUT

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
        """When the next action expires."""
        return min((action.expires_at for action in state.actions.values()), default=None)

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of governance in.

        Raises:
            Reject: A request that whoever signed it may not make, or about nothing that is known.
        """
        return state, self._answer(state, event)

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
                return lifecycle.propose(state, event, data, self.settings, principal)
            case ActionProposed():
                return lifecycle.propose(state, event, data, self.settings)
            case ActionApplied():
                return self._applied(state, event, data)
            case ActionSettled():
                return lifecycle.settled(state, data, event.time)
            case ActionFailed():
                return self._failed(state, event, data)
            case ClockTicked():
                return lifecycle.expire(state, event.time)
            case ApprovalGiven() | ApprovalDenied():
                return lifecycle.answer(state, event, data, self.settings)
            case FreezeLifted():
                return law.enact(state, event, data) + self._resume(state)
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
                self._registered(state, data)
            case DeploymentObserved():
                self._set_champion(state, data.model or "", data.version, data.artifact)
            case RevertRequested():
                return self._revert(state, event, data)
            case ActionReverted():
                self._set_champion(state, data.model or "", data.rollout.champion, data.rollout.champion_artifact)
            case _:
                pass  # burn.reported and brake.confirmed are for eyes
        return ()

    def _registered(self, state: State, data: ModelRegistered) -> None:
        assert data.model is not None  # intake sets it
        family = f"{data.model.partition('/')[0]}/{data.family}"
        known = state.models.get(data.model)
        if known is None:
            state.models[data.model] = Model(family, data.champion, data.artifact, data.tier)
        else:
            known.family, known.tier = family, data.tier

    def _set_champion(self, state: State, subject: str, version: str, artifact: str | None) -> None:
        model = state.models.get(subject)
        if model is None or model.champion == version:
            return
        model.last_good, model.last_good_artifact = model.champion, model.artifact
        model.champion, model.artifact = version, artifact

    def _applied(self, state: State, event: Event, data: ActionApplied) -> tuple[Emit, ...]:
        if data.kind == "threshold":
            action = state.actions.pop(data.action, None)
            if action is not None:
                lifecycle.release(state, action, 0.0, event.time)
        elif data.rollout is not None and data.rollout_verb == "promote":
            self._set_champion(state, data.model or "", data.rollout.champion, data.rollout.champion_artifact)
        return ()

    def _failed(self, state: State, event: Event, data: ActionFailed) -> tuple[Emit, ...]:
        """A hand could not. A braked rollout is tried again when the freeze is lifted."""
        action = state.actions.get(data.action)
        if action is None:
            return ()
        if data.reason == "braked" and action.candidates:
            action.phase = "ready"
            return ()
        if action.phase == "acting":
            lifecycle.release(state, action, 0.0, event.time)
            del state.actions[data.action]
            return ()
        return lifecycle.abort(state, data.action, action) if action.phase == "rolling" else ()

    def _resume(self, state: State) -> tuple[Emit, ...]:
        emits: list[Emit] = []
        for id_, action in state.actions.items():
            emits += lifecycle.proceed(state, id_, action)
        return tuple(emits)

    def _revert(self, state: State, event: Event, data: RevertRequested) -> tuple[Emit, ...]:
        model = state.models.get(data.model)
        if model is None or model.last_good is None:
            raise Reject("nothing_to_revert", f"{data.model} has no earlier version that is known to be good")
        authorise(state, event, data, "operator", data.model.partition("/")[0])
        version = state.rules_of(data.model.partition("/")[0])[1]
        command = commands.revert(event.identity, model, data.model, version, event.time + _REVERT_TTL_MS)
        return (Emit(POLICY_ROLLOUT, command, data.model),)
