"""An action from proposal to settlement: what happens next, given what is known."""

from governor import commands
from governor.authority import authorise
from governor.rules import judge, roll_over
from governor.settings import GovernorSettings
from governor.state import Action, Budget, State
from homeostat.core import Emit, Event, Reject
from homeostat.events import (
    ActionProposed,
    ActionSettled,
    ApprovalDenied,
    ApprovalGiven,
    CanaryJudged,
    Candidate,
    CandidateTrained,
    RuleResult,
    VerdictGiven,
)
from homeostat.events.logs import EXPERIENCE, VERDICTS

Emits = tuple[Emit, ...]


def propose(
    state: State, event: Event, proposal: ActionProposed, settings: GovernorSettings, requester: str = ""
) -> Emits:
    """Decide on a proposal: approved, denied, or held for a person."""
    scope = proposal.family.partition("/")[0]
    if scope not in state.budgets:
        default = state.budgets.get("*")
        amount = default.money if default else settings.default_money
        period = default.period_ms if default else settings.default_period_ms
        state.budgets[scope] = Budget(amount, period, event.time)
    roll_over(state.budgets[scope], event.time)
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
    if not all(result.passed for result in results):
        return verdict(state, action, event.identity, "denied", results)
    tier = max(proposal.tier, model.tier if model else "low", key=("low", "medium", "high").index)
    if tier in rules.approval_tiers and proposal.chosen != "skip":
        state.actions[event.identity] = action
        needs = RuleResult(
            rule="approval", passed=False, value=tier, limit="a person", reason=f"tier {tier} waits for a person"
        )
        return verdict(state, action, event.identity, "held", (*results, needs))
    return approve(state, event, event.identity, action, results, settings)


def approve(
    state: State,
    event: Event,
    id_: str,
    action: Action,
    results: tuple[RuleResult, ...],
    settings: GovernorSettings,
    *,
    is_emergency: bool = False,
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
    given = verdict(state, action, id_, "approved", results, is_emergency=is_emergency)
    model = state.models.get(proposal.model or "")
    if model is not None:
        model.starts = [*model.starts[-settings.history_length + 1 :], event.time]
    if proposal.kind == "retrain" and not action.waiting_for:
        release(state, action, 0.0, event.time)
        state.actions.pop(id_, None)
        return given
    state.actions[id_] = action
    if proposal.kind == "rollout":
        action.waiting_for, action.candidates, action.phase = [], list(proposal.candidates), "ready"
        return (*given, *proceed(state, id_, action))
    return (*given, commands.first(state, id_, action, settings))


def verdict(
    state: State,
    action: Action,
    id_: str,
    said: str,
    results: tuple[RuleResult, ...] = (),
    *,
    is_emergency: bool = False,
) -> Emits:
    """Say it to users and to the family."""
    proposal = action.proposal
    given = VerdictGiven.model_validate(
        {
            "action": id_,
            "kind": proposal.kind,
            "family": proposal.family,
            "model": proposal.model,
            "verdict": said,
            "rules": results,
            "rules_version": state.rules_of(action.scope)[1],
            "is_emergency": is_emergency,
            "expires_at": action.expires_at,
        }
    )
    return (Emit(VERDICTS, given, action.scope, action.story), Emit(EXPERIENCE, given, proposal.family, action.story))


def answer(state: State, event: Event, data: ApprovalGiven | ApprovalDenied, settings: GovernorSettings) -> Emits:
    """A person's word on an action.

    Raises:
        Reject: `action_unknown`, `own_request`, `approved_twice`, or the signer may not.
    """
    action = state.actions.get(data.action)
    if action is None or action.phase != "held":
        raise Reject("action_unknown", f"{data.action} is not waiting for approval")
    principal = authorise(state, event, data, "approver", action.scope)
    if isinstance(data, ApprovalDenied):
        del state.actions[data.action]
        denied = RuleResult(
            rule="approval", passed=False, value=principal, limit="a yes", reason=data.reason or "denied"
        )
        return verdict(state, action, data.action, "denied", (denied,))
    if principal == action.requester:
        raise Reject("own_request", f"{principal} asked for it and may not approve it")
    if principal in action.approvers:
        raise Reject("approved_twice", f"{principal} has approved it already; an emergency needs two people")
    through = data.is_emergency and action.emergency >= 1
    action.approvers.append(principal)
    action.emergency += data.is_emergency
    if data.is_emergency and not through:
        return ()  # the first of two
    del state.actions[data.action]
    results = judge(state, action.proposal, event.time, through_freeze=through)
    if not all(result.passed for result in results):
        state.actions[data.action] = action
        return verdict(state, action, data.action, "held", results)
    return approve(state, event, data.action, action, results, settings, is_emergency=through)


def trained(state: State, data: CandidateTrained) -> Emits:
    """One arm has reported; when all have, roll out."""
    action = state.actions.get(data.action)
    if action is None or data.arm not in action.waiting_for:
        return ()
    action.waiting_for.remove(data.arm)
    if data.version is not None and data.artifact is not None:
        action.candidates.append(
            Candidate(arm=data.arm, version=data.version, artifact=data.artifact, seconds=data.seconds)
        )
    if action.waiting_for or not action.candidates:
        return ()  # with no candidate at all the hand's action.failed ends it
    action.candidates.sort(key=lambda candidate: candidate.arm)
    action.phase = "ready"
    return proceed(state, data.action, action)


def proceed(state: State, id_: str, action: Action) -> Emits:
    """Do what is next, unless a freeze holds it."""
    if state.is_frozen(action.scope):
        return ()
    if action.phase == "ready":
        action.phase = "rolling" if action.canary is not None else "measuring"
        action.step = 0 if action.canary is not None else -1
        return (commands.rollout(state, id_, action, "set"),)
    judgement, action.judgement = action.judgement, ""
    if judgement == "promote" or (judgement == "continue" and action.step + 1 >= len(action.proposal.plan.steps)):
        action.phase = "measuring"
        return (commands.rollout(state, id_, action, "promote"),)
    if judgement == "continue":
        action.step += 1
        return (commands.rollout(state, id_, action, "set"),)
    return ()


def judged(state: State, data: CanaryJudged) -> Emits:
    """A judgement is answered with a weight; an abort passes every freeze."""
    action = state.actions.get(data.action)
    if action is None or action.phase != "rolling":
        return ()
    if data.judgement in ("abort", "inconclusive"):
        return abort(state, data.action, action)
    if data.step != action.step:
        return ()  # it speaks of a step that is over
    if data.judgement != "inconclusive":  # which holds until the action expires
        action.judgement = data.judgement
        return proceed(state, data.action, action)
    return ()


def abort(state: State, id_: str, action: Action) -> Emits:
    """Take the canary's weight away; it stays as a shadow until the outcome is measured."""
    action.phase = "measuring"
    return (commands.rollout(state, id_, action, "abort"),)


def settled(state: State, data: ActionSettled, now: int) -> Emits:
    """Commit or refund the tokens and clear the shadows."""
    action = state.actions.pop(data.action, None)
    if action is None:
        return ()
    price = state.rules_of(action.scope)[0].price_per_training_second
    release(state, action, data.cost + price * sum(candidate.seconds for candidate in action.candidates), now)
    if action.candidates:
        action.expires_at = max(action.expires_at, now + state.rules_of(action.scope)[0].action_ttl_ms)
        return (commands.rollout(state, data.action, action, "set", is_over=True),)
    return ()


def release(state: State, action: Action, cost: float, now: int) -> None:
    """Turn what was reserved into what was spent."""
    budget = state.budgets[action.scope]
    budget.reserved = max(0.0, budget.reserved - action.proposal.money)
    budget.spent += cost
    model = state.models.get(action.proposal.model or "")
    if model is not None and action.proposal.kind in ("retrain", "rollout"):
        model.settled_at = now


def expire(state: State, now: int) -> Emits:
    """End what has outlived its time: only the governor does."""
    emits: list[Emit] = []
    for id_ in [id_ for id_, action in state.actions.items() if action.expires_at <= now]:
        action = state.actions.pop(id_)
        if action.phase != "held":
            release(state, action, action.proposal.money, now)
        emits += verdict(state, action, id_, "expired")
        if action.candidates:
            action.expires_at = now + state.rules_of(action.scope)[0].action_ttl_ms
            emits.append(commands.rollout(state, id_, action, "abort", is_over=True))
    return tuple(emits)
