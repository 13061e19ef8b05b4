"""The governor: law is serial, so one state folds the whole governance log."""

from typing import Final, assert_never

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
    approval,
    deployments,
    failures,
    family_updates,
    governance_requests,
    holdback,
    key_requests,
    lifecycle,
    reports,
    settlement,
)
from homeostat.services.governor.authorization import Unproven, authenticate, authorize
from homeostat.services.governor.in_force import policy_state
from homeostat.services.governor.revert import revert
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import State

Input = (
    ActionProposed
    | ActionRequested
    | ActionSettled
    | ApprovalDenied
    | ApprovalGiven
    | BrakeConfirmed
    | CanaryJudged
    | ClockTicked
    | DeploymentObserved
    | FamilyObserved
    | ModelRegistered
    | RevertRequested
    | governance_requests.GovernanceRequest
    | key_requests.KeyRequest
    | reports.Reported
)
"""Payloads of the governance log that it answers; `burn.reported` is for eyes."""

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
        return state.flight.next_at()

    def step(self, state: State, event: Event) -> tuple[State, tuple[Emit, ...]]:
        """Fold one event of governance in.

        A request that is refused though its signature counts is spent like one that is obeyed: its refusal is emitted,
        not raised, so that the state may remember it.

        Raises:
            Reject: A request that nobody who may speak here has signed, or a report of what was not commanded.
        """
        data = event.data
        emits = self._answer_request(state, event, data) if isinstance(data, _REQUESTS) else self._answer(state, event)
        return state, state.issued.update(event, emits, state.keyring)

    def _answer_request(self, state: State, event: Event, data: Request | ActionRequested) -> tuple[Emit, ...]:
        """Answer what a person has signed; the signature counts once, whatever comes of it."""
        if state.keyring.keys or not isinstance(data, KeyRegistered):
            authenticate(state.keyring, state.signatures, event, data)
        try:
            emits = self._answer(state, event)
        except Unproven:
            raise
        except Reject as reject:
            emits = (Emit(QUARANTINE, refused(event, reject.reason, reject.detail, self.name)),)
        state.signatures.spend(data, event.time)
        return emits

    def _answer(self, state: State, event: Event) -> tuple[Emit, ...]:
        data = event.data
        if not isinstance(data, Input):
            return ()
        match data:
            case ActionRequested():
                principal = authorize(state.keyring, data, "operator", scope_of(data.family))
                return approval.propose(state, event, data.plain(), self.settings, principal)
            case ActionProposed():
                return approval.propose(state, event, data, self.settings)
            case ApprovalGiven() | ApprovalDenied():
                return approval.answer(state, event, data, self.settings)
            case CanaryJudged():
                return lifecycle.judged(state, data)
            case ActionSettled():
                return settlement.settled(state, data, event.time)
            case (
                CandidateTrained()
                | ActionApplied()
                | ActionFailed()
                | ActionReverted()
                | ActionProgressed()
                | WeightsPublished()
                | WeightsRejected()
            ):
                return _reported(state, event, data)
            case BrakeConfirmed():
                return reports.confirmed(state, event, data)
            case ClockTicked():
                return self._expire(state, event)
            case KeyRegistered() | KeyRevoked() | RoleGranted() | RoleRevoked():
                return key_requests.apply_request(state, event, data)
            case (
                RulesSet()
                | BudgetSet()
                | FreezeSet()
                | FreezeLifted()
                | ScopeConfigured()
                | ModelConfigured()
                | SourceDistrusted()
                | SourceTrusted()
            ):
                return governance_requests.apply_request(state, event, data)
            case ModelRegistered():
                return self._registered(state, event, data)
            case FamilyObserved():
                return family_updates.observe(state, event, data.family, data.provenance)
            case DeploymentObserved():
                return deployments.observed(state, event, data)
            case RevertRequested():
                return revert(state, event, data)
            case _:
                assert_never(data)

    def _registered(self, state: State, event: Event, data: ModelRegistered) -> tuple[Emit, ...]:
        """Take a model in, and decide on what waited for it, in the order in which it came."""
        assert data.model is not None  # intake sets it
        family = f"{scope_of(data.model)}/{data.family}"
        state.registry.register(data.model, family, data)
        emits = family_updates.observe(state, event, family, data.provenance)
        for id_ in list(state.flight.awaited.get(data.model, ())):
            emits += approval.decide_waiting(state, event, id_, len(emits), self.settings)
        return emits

    def _expire(self, state: State, event: Event) -> tuple[Emit, ...]:
        """End what has outlived its time; decide on what has waited for a model that did not come."""
        emits: tuple[Emit, ...] = ()
        due = state.flight.take_expired(event.time)
        for id_ in due:
            if id_ in state.flight.actions:
                emits += settlement.expire(state, id_, event.time)
            elif id_ in state.flight.waiting:
                emits += approval.decide_waiting(state, event, id_, len(emits), self.settings)
        for id_ in due:
            emits += holdback.drop(state, id_, event.time)
        return emits


def _reported(state: State, event: Event, data: reports.Reported) -> tuple[Emit, ...]:
    """Pass a report on, and go on from it; its repeats emit nothing."""
    passed_on = reports.admit(state, event, data)
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
            state.registry.serve(data.model or "", data.rollout.champion, data.rollout.champion_artifact)
        case WeightsPublished():
            state.weights.update(data)
        case ActionProgressed() | WeightsRejected():
            pass
        case _:
            assert_never(data)
    return passed_on
