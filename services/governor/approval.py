"""Verdicts: what the rules and people say of a proposal, and the first command of what they approve."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, ApprovalDenied, ApprovalGiven, Plan, RuleResult, RulesSet
from homeostat.events.base import TIERS
from homeostat.services.governor import commands, lifecycle
from homeostat.services.governor.action import SERVING, Action
from homeostat.services.governor.authorization import authorize
from homeostat.services.governor.flight import Waiting
from homeostat.services.governor.rules import Facts, judge
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits, verdict


@dataclass(frozen=True, slots=True)
class _Case:
    """A proposal that is decided on.

    Args:
        id: Of the action.
        event: That it is decided with: the proposal itself, an approval, a registration, a tick.
        ordinal: Of the first emit, among those of the event.
        facts: That the rules have looked at.
        settings: Of the governor.
    """

    id: str
    event: Event
    ordinal: int
    facts: Facts
    settings: GovernorSettings


def propose(
    state: State, event: Event, proposal: ActionProposed, settings: GovernorSettings, requester: str = ""
) -> Emits:
    """Decide on a proposal, or put it off until its model is registered, or has not been in time.

    A proposal may overtake the registration of its model: two logs, two orders.

    Args:
        state: Its flight takes the action in, or the proposal that waits.
        event: The proposal, or a person's request.
        proposal: Its payload.
        settings: Of the governor.
        requester: Who asked, if a person did.
    """
    load = state.flight.loads.get(scope_of(proposal.family))
    is_full = load is not None and load.n_waiting >= settings.waiting_proposals
    waiting = Waiting(proposal, event.story, requester, event.time + settings.registration_wait_ms)
    if proposal.model is None or proposal.model in state.registry.models or is_full:
        return _decide(state, event, event.identity, 0, waiting, settings)
    state.flight.wait(event.identity, waiting)
    return ()


def decide_waiting(state: State, event: Event, id_: str, ordinal: int, settings: GovernorSettings) -> Emits:
    """Decide on a proposal that has waited for a registration: with the model, or without it.

    Args:
        state: Its flight takes the action in, in place of what waited.
        event: The registration, or the tick that ends the wait.
        id_: Of the action.
        ordinal: Of the first emit, among those of the event.
        settings: Of the governor.
    """
    return _decide(state, event, id_, ordinal, state.flight.stop_waiting(id_), settings)


def answer(state: State, event: Event, data: ApprovalGiven | ApprovalDenied, settings: GovernorSettings) -> Emits:
    """Decide on a held action by a person's word.

    One yes approves what the rules let pass now. Two people who both call it an emergency approve through a freeze;
    that they are two means that neither has put the other into the keyring.

    Args:
        state: The action begins, ends, or notes its approver.
        event: The request.
        data: Its payload.
        settings: Of the governor.

    Raises:
        Reject: `action_unknown`, `own_request`, `approved_twice`, or the signer may not.
    """
    action = state.flight.actions.get(data.action)
    if action is None or action.phase != "held":
        raise Reject("action_unknown", f"{data.action} is not waiting for approval")
    scope, proposal = action.scope, action.proposal
    principal = authorize(state.keyring, data, "approver", scope)
    if isinstance(data, ApprovalDenied):
        state.flight.end(data.action)
        reason = data.reason or "denied"
        denied = RuleResult(rule="approval", passed=False, value=principal, limit="a yes", reason=reason)
        return verdict(action, data.action, "denied", state.rules_of(scope)[1], (denied,))
    if not _is_enough(state, action, data, principal):
        return ()
    state.budgets.open(scope, event.time, settings.default_money, settings.default_period_ms)
    case = _Case(data.action, event, 0, state.facts(proposal, event.time), settings)
    results = judge(case.facts, proposal, through_freeze=data.is_emergency, is_persons=True)
    if not all(result.passed for result in results):
        return verdict(action, data.action, "held", case.facts.rules_version, results)
    state.flight.end(data.action)
    action.is_emergency = data.is_emergency
    return _approve(state, case, action, results)


def _decide(state: State, event: Event, id_: str, ordinal: int, asked: Waiting, settings: GovernorSettings) -> Emits:
    """Approve, deny, or hold for people.

    A freeze denies what a fold proposes; what a person asks for in a freeze, and only the freeze forbids, is held
    for the two who may call it an emergency.
    """
    proposal, scope = asked.proposal, scope_of(asked.proposal.family)
    state.budgets.open(scope, event.time, settings.default_money, settings.default_period_ms)
    if proposal.kind in SERVING:  # thresholds are proposed for whatever registers
        state.registry.keep(proposal.model or "")
    case = _Case(id_, event, ordinal, state.facts(proposal, event.time), settings)
    facts, action = case.facts, _held_action(case, asked)
    results = judge(facts, action.proposal, is_persons=bool(asked.requester))
    failing = [result.rule for result in results if not result.passed]
    is_frozen_request = bool(asked.requester) and failing == ["freeze"]
    if failing and not is_frozen_request:
        return verdict(action, id_, "denied", facts.rules_version, results)
    needs = _needs_people(proposal, facts, is_frozen=is_frozen_request)
    if needs is not None:
        state.flight.begin(id_, action)
        return verdict(action, id_, "held", facts.rules_version, (*results, needs))
    return _approve(state, case, action, results)


def _held_action(case: _Case, asked: Waiting) -> Action:
    proposal, rules, model = asked.proposal, case.facts.rules, case.facts.model
    times = [rules.approval_ttl_ms] if proposal.ttl_ms is None else [rules.approval_ttl_ms, proposal.ttl_ms]
    return Action(
        proposal.model_copy(update={"plan": _planned(proposal.plan, rules)}),
        "held",
        asked.story,
        expires_at=case.event.time + min(times),
        reference=model.champion if model else "",
        reference_artifact=model.artifact if model else None,
        requester=asked.requester,
    )


def _needs_people(proposal: ActionProposed, facts: Facts, *, is_frozen: bool) -> RuleResult | None:
    """Say for whom a proposal that the rules let pass has to wait; None for nobody."""
    model, tiers = facts.model, facts.rules.approval_tiers
    tier = max(proposal.tier, model.tier if model else "low", key=TIERS.index)
    is_regulated = model is not None and model.is_regulated
    if not is_frozen and (proposal.chosen == "skip" or not (is_regulated or tier in tiers)):
        return None
    why = "a regulated model" if is_regulated else f"tier {tier}"
    who, why = ("two people", "a freeze waits for") if is_frozen else ("a person", f"{why} waits for")
    return RuleResult(rule="approval", passed=False, value=tier, limit=who, reason=f"{why} {who}")


def _is_enough(state: State, action: Action, data: ApprovalGiven, principal: str) -> bool:
    """Take a person's yes; an emergency takes two of them.

    Raises:
        Reject: `own_request`, `approved_twice`.
    """
    are_independent = state.keyring.are_independent
    if action.requester and not are_independent(principal, action.requester):
        who = (
            "asked for it" if principal == action.requester else f"and {action.requester}, who asked, are no two people"
        )
        raise Reject("own_request", f"{principal} {who}: somebody else approves it, whom neither of them made")
    if not data.is_emergency:
        return True
    if principal in action.approvers:
        raise Reject("approved_twice", f"{principal} has approved it already; an emergency needs two people")
    if any(are_independent(principal, other) for other in action.approvers):
        return True
    action.approvers.append(principal)
    return False  # the first of two, or one that the first has made


def _planned(plan: Plan, rules: RulesSet) -> Plan:
    """Replace soak and horizon of a plan by what the rules say; a soak in time is the longer one."""
    changes: dict[str, object] = {"soak_seconds": max(plan.soak_seconds, rules.soak_seconds)}
    if rules.soak_labels is not None:
        changes["soak_labels"] = rules.soak_labels
    if rules.horizon_labels is not None:
        changes |= {
            "horizon_labels": rules.horizon_labels,
            "label_limit": max(plan.label_limit, rules.horizon_labels),
        }
    return plan.model_copy(update=changes)


def _approve(state: State, case: _Case, action: Action, results: Sequence[RuleResult]) -> Emits:
    """Reserve the tokens and give the first command."""
    proposal, rules, now = action.proposal, case.facts.rules, case.event.time
    scope, version = scope_of(proposal.family), case.facts.rules_version
    action.approve(case.event.emit_identity(case.ordinal), now, rules)
    approved = verdict(action, case.id, "approved", version, results)
    state.budgets.reserve(scope, proposal.money)
    if proposal.is_idle:
        state.budgets.release(scope, proposal.money, 0.0, now)
        return approved
    state.registry.add_start(proposal, now, max(case.settings.history_length, rules.max_starts(proposal.kind)))
    state.flight.begin(case.id, action)
    if proposal.kind == "rollout":
        return approved + lifecycle.proceed(state, case.id, action)
    return (*approved, commands.first(case.id, action, rules, version))
