"""The governor: law is serial, so one state folds the whole governance log."""

from typing import Any, Final

from homeostat.admission.refusing import refused
from homeostat.core import Emit, Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProgressed,
    ActionProposed,
    ActionRequested,
    ActionReverted,
    ActionSettled,
    ApprovalDenied,
    ApprovalGiven,
    BrakeConfirmed,
    BudgetSet,
    CanaryJudged,
    CandidateTrained,
    ClockTicked,
    DeploymentObserved,
    FamilyObserved,
    FreezeLifted,
    FreezeSet,
    KeyRegistered,
    KeyRevoked,
    ModelConfigured,
    ModelRegistered,
    Request,
    RevertRequested,
    RoleGranted,
    RoleRevoked,
    RulesSet,
    ScopeConfigured,
    SourceDistrusted,
    SourceTrusted,
    WeightsPublished,
    WeightsRejected,
)
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY, QUARANTINE
from homeostat.events.policy_state import PolicyState
from homeostat.services.governor import (
    commands,
    deciding,
    deployments,
    failures,
    families,
    flight,
    holdback,
    keyring,
    law,
    lifecycle,
    registrations,
    registry,
    reporting,
    weights,
)
from homeostat.services.governor.authority import Unproven, authenticate, authorise, spend
from homeostat.services.governor.in_force import policy_state
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import State

_REVERT_TTL_MS: Final = 3_600_000
_REQUESTS: Final = (Request, ActionRequested)


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

    def policy_state(self, state: State) -> PolicyState:
        """Return what people have set, as it counts now."""
        return policy_state(state)

    def wake_at(self, state: State) -> int | None:
        """When the next action or holdback expires, or has waited long enough for its model."""
        return flight.next_at(state)

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of governance in.

        A request that is refused though its signature counts is spent like one that is obeyed: its refusal is emitted,
        not raised, so that the state may remember it.

        Raises:
            Reject: A request that nobody who may speak here has signed, or a report of what was not commanded.
        """
        data: Any = event.data
        if isinstance(data, _REQUESTS) and (state.keys or not isinstance(data, KeyRegistered)):
            authenticate(state, event, data)
        try:
            emits = self._answer(state, event)
        except Unproven:
            raise
        except Reject as reject:
            if not isinstance(data, _REQUESTS):
                raise
            emits = (Emit(QUARANTINE, refused(event, reject.reason, reject.detail, self.name)),)
        if isinstance(data, _REQUESTS):
            spend(state, data, event.time)
        flight.drop_stale(state)
        reporting.issue(state, event, emits)
        return state, emits

    def _answer(self, state: State, event: Event) -> tuple[Emit, ...]:
        data: Any = event.data
        match data:
            case CanaryJudged():
                return lifecycle.judged(state, data)
            case (
                CandidateTrained()
                | ActionApplied()
                | ActionFailed()
                | ActionReverted()
                | ActionProgressed()
                | WeightsPublished()
                | WeightsRejected()
            ):
                return self._reported(state, event, data)
            case BrakeConfirmed():
                return reporting.confirmed(state, event, data)
            case ActionRequested():
                scope = scope_of(data.family)
                principal = authorise(state, data, "operator", scope)
                return registrations.propose(state, event, data.plain(), self.settings, principal)
            case ActionProposed():
                return registrations.propose(state, event, data, self.settings)
            case ActionSettled():
                return lifecycle.settled(state, data, event.time)
            case ClockTicked():
                return self._expire(state, event)
            case ApprovalGiven() | ApprovalDenied():
                return deciding.answer(state, event, data, self.settings)
            case FreezeLifted():
                return law.enact(state, event, data) + lifecycle.resume(state, data.scope)
            case KeyRegistered() | KeyRevoked() | RoleGranted() | RoleRevoked():
                return keyring.change(state, event, data)
            case (
                RulesSet()
                | BudgetSet()
                | FreezeSet()
                | ScopeConfigured()
                | ModelConfigured()
                | SourceDistrusted()
                | SourceTrusted()
            ):
                return law.enact(state, event, data)
            case ModelRegistered():
                return self._registered(state, event, data)
            case FamilyObserved():
                return families.observe(state, event, data.family, data.provenance)
            case DeploymentObserved():
                return deployments.observed(state, event, data)
            case RevertRequested():
                return self._revert(state, event, data)
        return ()  # burn.reported is for eyes

    def _reported(self, state: State, event: Event, data: Any) -> tuple[Emit, ...]:
        """Pass a report on, and go on from it; its repeats say nothing."""
        passed_on = reporting.admit(state, event, data)
        if passed_on is None:
            return ()
        match data:
            case CandidateTrained():
                return passed_on + lifecycle.trained(state, data)
            case ActionApplied():
                return passed_on + lifecycle.applied(state, data, event.time)
            case ActionFailed():
                return passed_on + failures.failed(state, data, event.time)
            case ActionReverted():
                lifecycle.serve(state, data.model or "", data.rollout.champion, data.rollout.champion_artifact)
            case WeightsPublished():
                weights.remember(state, data)
        return passed_on

    def _registered(self, state: State, event: Event, data: ModelRegistered) -> tuple[Emit, ...]:
        """Take a model in; one that is known keeps its champion, as a client may register at each start."""
        assert data.model is not None  # intake sets it
        family = f"{data.model.partition('/')[0]}/{data.family}"
        registry.register(state, data.model, family, data.champion, data.artifact, data.tier)
        said = families.observe(state, event, family, data.provenance)
        return said + registrations.arrived(state, event, data.model, len(said), self.settings)

    def _expire(self, state: State, event: Event) -> tuple[Emit, ...]:
        """End what has outlived its time; decide on what has waited for a model that did not come."""
        emits: tuple[Emit, ...] = ()
        due = flight.expired(state, event.time)
        for id_ in due:
            if id_ in state.actions:
                emits += lifecycle.expire(state, id_, event.time)
            elif id_ in state.waiting:
                emits += registrations.decide(state, event, id_, len(emits), self.settings)
        for id_ in due:
            emits += holdback.drop(state, id_, event.time)
        return emits

    def _revert(self, state: State, event: Event, data: RevertRequested) -> tuple[Emit, ...]:
        authorise(state, data, "operator", scope_of(data.model))
        back = lifecycle.last_good(state, data.model)
        if back is None:
            raise Reject("nothing_to_revert", f"{data.model} has no earlier version that is known to be good")
        withdrawn = lifecycle.withdraw(state, data.model, event.identity, event.time)
        return (commands.revert(state, event.identity, data.model, back, event.time + _REVERT_TTL_MS), *withdrawn)
