"""Verdicts: what the rules and people say of a proposal, and the first command of what they approve."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.core import Event, Identity, Reject
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed, ApprovalDenied, ApprovalGiven, Plan, RuleResult, RulesSet
from homeostat.events.base import TIERS
from homeostat.services.governor import commands, flight
from homeostat.services.governor.authority import authorise
from homeostat.services.governor.books import release
from homeostat.services.governor.lifecycle import Emits, proceed, verdict
from homeostat.services.governor.quorum import are_independent
from homeostat.services.governor.registry import keep
from homeostat.services.governor.rules import judge, limit_of, roll_over, starts_of
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import Action, Budget, State


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal that is decided on.

    Args:
        id: Of the action.
        story: Of the proposal.
        event: That it is decided with: the proposal itself, an approval, a registration, a tick.
        ordinal: Of the first emit, among those of the event.
        requester: Who asked, if a person did.
    """

    id: str
    story: Identity
    event: Event
    ordinal: int = 0
    requester: str = ""

    @property
    def now(self) -> int:
        """Broker time, ms."""
        return self.event.time

    @property
    def verdict(self) -> str:
        """Identity that the verdict will have."""
        return self.event.emit_identity(self.ordinal)


def propose(state: State, asked: Asked, proposal: ActionProposed, settings: GovernorSettings) -> Emits:
    """Decide on a proposal: approved, denied, or held for people.

    A freeze denies what a fold proposes; what a person asks for in a freeze, and only the freeze forbids, is held
    for the two who may call it an emergency.
    """
    rules = state.rules_for(proposal.family)
    proposal = proposal.model_copy(update={"plan": _planned(proposal.plan, rules)})
    _open_budget(state, scope_of(proposal.family), asked.now, settings)
    model = state.models.get(proposal.model or "")
    if model is not None and proposal.kind in flight.SERVING:  # thresholds are proposed for whatever registers
        keep(state, proposal.model or "")
    results = judge(state, proposal, asked.now)
    times = [rules.approval_ttl_ms] if proposal.ttl_ms is None else [rules.approval_ttl_ms, proposal.ttl_ms]
    action = Action(
        proposal,
        "held",
        asked.story,
        expires_at=asked.now + min(times),
        reference=model.champion if model else "",
        reference_artifact=model.artifact if model else None,
        requester=asked.requester,
    )
    failing = [result.rule for result in results if not result.passed]
    if failing and not (asked.requester and failing == ["freeze"]):
        return verdict(state, action, asked.id, "denied", results)
    tier = max(proposal.tier, model.tier if model else "low", key=TIERS.index)
    is_regulated = model is not None and model.is_regulated
    if failing or ((is_regulated or tier in rules.approval_tiers) and proposal.chosen != "skip"):
        flight.begin(state, asked.id, action)
        why = "a regulated model" if is_regulated else f"tier {tier}"
        who, why = ("two people", "a freeze waits for") if failing else ("a person", f"{why} waits for")
        needs = RuleResult(rule="approval", passed=False, value=tier, limit=who, reason=f"{why} {who}")
        return verdict(state, action, asked.id, "held", (*results, needs))
    return _approve(state, asked, action, results, settings)


def answer(state: State, event: Event, data: ApprovalGiven | ApprovalDenied, settings: GovernorSettings) -> Emits:
    """A person's word on an action.

    One yes approves what the rules let pass now. Two people who both call it an emergency approve through a freeze;
    that they are two means that neither has put the other into the keyring.

    Raises:
        Reject: `action_unknown`, `own_request`, `approved_twice`, or the signer may not.
    """
    action = state.actions.get(data.action)
    if action is None or action.phase != "held":
        raise Reject("action_unknown", f"{data.action} is not waiting for approval")
    principal = authorise(state, data, "approver", action.scope)
    if isinstance(data, ApprovalDenied):
        flight.end(state, data.action)
        reason = data.reason or "denied"
        denied = RuleResult(rule="approval", passed=False, value=principal, limit="a yes", reason=reason)
        return verdict(state, action, data.action, "denied", (denied,))
    if action.requester and not are_independent(state, principal, action.requester):
        who = (
            "asked for it" if principal == action.requester else f"and {action.requester}, who asked, are no two people"
        )
        raise Reject("own_request", f"{principal} {who}: somebody else approves it, whom neither of them made")
    if data.is_emergency:
        if principal in action.approvers:
            raise Reject("approved_twice", f"{principal} has approved it already; an emergency needs two people")
        if not any(are_independent(state, principal, other) for other in action.approvers):
            action.approvers.append(principal)
            return ()  # the first of two, or one that the first has made
    _open_budget(state, action.scope, event.time, settings)
    results = judge(state, action.proposal, event.time, through_freeze=data.is_emergency)
    if not all(result.passed for result in results):
        return verdict(state, action, data.action, "held", results)
    flight.end(state, data.action)
    action.is_emergency = data.is_emergency
    return _approve(state, Asked(data.action, action.story, event), action, results, settings)


def _planned(plan: Plan, rules: RulesSet) -> Plan:
    """What the rules say of soak and horizon, in place of what the proposer says; a soak in time is the longer one."""
    changes: dict[str, object] = {"soak_seconds": max(plan.soak_seconds, rules.soak_seconds)}
    if rules.soak_labels is not None:
        changes["soak_labels"] = rules.soak_labels
    if rules.horizon_labels is not None:
        changes |= {
            "horizon_labels": rules.horizon_labels,
            "label_limit": max(plan.label_limit, rules.horizon_labels),
        }
    return plan.model_copy(update=changes)


def _open_budget(state: State, scope: str, now: int, settings: GovernorSettings) -> None:
    """See that a scope has a budget of the running period."""
    if scope not in state.budgets:
        default = state.budgets.get("*")
        amount = default.money if default else settings.default_money
        period = default.period_ms if default else settings.default_period_ms
        state.budgets[scope] = Budget(amount, period, now, is_default=True)
    roll_over(state.budgets[scope], now)


def _approve(
    state: State, asked: Asked, action: Action, results: Sequence[RuleResult], settings: GovernorSettings
) -> Emits:
    """Reserve the tokens and give the first command."""
    proposal = action.proposal
    action.expires_at = asked.now + state.life_ms(action)
    state.budgets[action.scope].reserved += proposal.money
    action.verdict = asked.verdict
    given = verdict(state, action, asked.id, "approved", results)
    if proposal.is_idle:
        release(state, action, 0.0, asked.now)
        return given
    _note_start(state, proposal, asked.now, settings)
    if proposal.kind == "rollout":
        action.phase, action.candidates = "ready", list(proposal.candidates)
        flight.begin(state, asked.id, action)
        return (*given, *proceed(state, asked.id, action))
    action.phase, action.waiting_for = "training" if proposal.kind == "retrain" else "acting", proposal.trained_arms
    flight.begin(state, asked.id, action)
    return (*given, commands.first(state, asked.id, action))


def _note_start(state: State, proposal: ActionProposed, now: int, settings: GovernorSettings) -> None:
    """Count an action in the rate of its kind; no more are remembered than the rate counts."""
    kept = max(settings.history_length, limit_of(proposal, state.rules_for(proposal.family)))
    starts = (
        state.trainings.setdefault(proposal.family, [])
        if proposal.kind == "meta_training"
        else starts_of(state, proposal)
    )
    starts.append(now)
    del starts[:-kept]
