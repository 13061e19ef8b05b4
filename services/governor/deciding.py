"""Verdicts: what the rules and people say of a proposal, and the first command of what they approve."""

from governor import commands
from governor.authority import authorise
from governor.books import release
from governor.lifecycle import Emits, proceed, verdict
from governor.rules import judge, roll_over
from governor.settings import GovernorSettings
from governor.state import Action, Budget, State
from homeostat.core import Event, Reject
from homeostat.events import ActionProposed, ApprovalDenied, ApprovalGiven, RuleResult


def propose(
    state: State, event: Event, proposal: ActionProposed, settings: GovernorSettings, requester: str = ""
) -> Emits:
    """Decide on a proposal: approved, denied, or held for people.

    A freeze denies what a fold proposes; what a person asks for in a freeze, and only the freeze forbids, is held
    for the two who may call it an emergency.
    """
    scope = proposal.family.partition("/")[0]
    _open_budget(state, scope, event.time, settings)
    rules, _ = state.rules_of(scope)
    results = judge(state, proposal, event.time)
    model = state.models.get(proposal.model or "")
    action = Action(
        proposal,
        "held",
        event.story,
        expires_at=event.time + min(proposal.ttl_ms, rules.approval_ttl_ms),
        reference=model.champion if model else "",
        reference_artifact=model.artifact if model else None,
        requester=requester,
    )
    failing = [result.rule for result in results if not result.passed]
    if failing and not (requester and failing == ["freeze"]):
        return verdict(state, action, event.identity, "denied", results)
    tier = max(proposal.tier, model.tier if model else "low", key=("low", "medium", "high").index)
    if failing or (tier in rules.approval_tiers and proposal.chosen != "skip"):
        state.actions[event.identity] = action
        who, why = ("two people", "a freeze waits for") if failing else ("a person", f"tier {tier} waits for")
        needs = RuleResult(rule="approval", passed=False, value=tier, limit=who, reason=f"{why} {who}")
        return verdict(state, action, event.identity, "held", (*results, needs))
    return _approve(state, event, event.identity, action, results, settings)


def answer(state: State, event: Event, data: ApprovalGiven | ApprovalDenied, settings: GovernorSettings) -> Emits:
    """A person's word on an action.

    One yes approves what the rules let pass now. Two people who both call it an emergency approve through a freeze.

    Raises:
        Reject: `action_unknown`, `own_request`, `approved_twice`, or the signer may not.
    """
    action = state.actions.get(data.action)
    if action is None or action.phase != "held":
        raise Reject("action_unknown", f"{data.action} is not waiting for approval")
    principal = authorise(state, event, data, "approver", action.scope)
    if isinstance(data, ApprovalDenied):
        del state.actions[data.action]
        reason = data.reason or "denied"
        denied = RuleResult(rule="approval", passed=False, value=principal, limit="a yes", reason=reason)
        return verdict(state, action, data.action, "denied", (denied,))
    if principal == action.requester:
        raise Reject("own_request", f"{principal} asked for it and may not approve it")
    if data.is_emergency:
        if principal in action.approvers:
            raise Reject("approved_twice", f"{principal} has approved it already; an emergency needs two people")
        if not action.approvers:
            action.approvers.append(principal)
            return ()  # the first of two
    _open_budget(state, action.scope, event.time, settings)
    del state.actions[data.action]  # it is no rival of itself
    results = judge(state, action.proposal, event.time, through_freeze=data.is_emergency)
    if not all(result.passed for result in results):
        state.actions[data.action] = action
        return verdict(state, action, data.action, "held", results)
    action.is_emergency = data.is_emergency
    return _approve(state, event, data.action, action, results, settings)


def _open_budget(state: State, scope: str, now: int, settings: GovernorSettings) -> None:
    """See that a scope has a budget of the running period."""
    if scope not in state.budgets:
        default = state.budgets.get("*")
        amount = default.money if default else settings.default_money
        period = default.period_ms if default else settings.default_period_ms
        state.budgets[scope] = Budget(amount, period, now, is_default=True)
    roll_over(state.budgets[scope], now)


def _approve(
    state: State, event: Event, id_: str, action: Action, results: tuple[RuleResult, ...], settings: GovernorSettings
) -> Emits:
    """Reserve the tokens and give the first command."""
    proposal = action.proposal
    rules, _ = state.rules_of(action.scope)
    action.expires_at = event.time + min(proposal.ttl_ms, rules.action_ttl_ms)
    state.budgets[action.scope].reserved += proposal.money
    action.verdict = event.emit_identity(0)
    action.waiting_for = [
        arm.name
        for arm in proposal.arms
        if arm.name != "skip" and (arm.name == proposal.chosen or arm.name in proposal.shadows)
    ]
    action.phase = "training" if proposal.kind == "retrain" else "acting"
    given = verdict(state, action, id_, "approved", results)
    model = state.models.get(proposal.model or "")
    if model is not None:
        kept = max(settings.history_length, rules.max_actions)
        model.starts = [*model.starts, event.time][-kept:]
    if proposal.kind == "retrain" and not action.waiting_for:
        release(state, action, 0.0, event.time)
        return given
    state.actions[id_] = action
    if proposal.kind == "rollout":
        action.waiting_for, action.candidates, action.phase = [], list(proposal.candidates), "ready"
        return (*given, *proceed(state, id_, action))
    return (*given, commands.first(state, id_, action, settings))
