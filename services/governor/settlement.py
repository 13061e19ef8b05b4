"""The end of an action: tokens are committed or refunded, and shadows cleared."""

from homeostat.events import ActionSettled, RuleResult
from homeostat.services.governor import commands, holdback
from homeostat.services.governor.action import SERVED, SERVING, Action
from homeostat.services.governor.budget import cost_of
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits, verdict


def settled(state: State, data: ActionSettled, now: int) -> Emits:
    """Commit or refund the tokens and clear the shadows; what is measured later corrects the budget.

    Args:
        state: The action leaves its flight; budgets and the champion follow.
        data: What the evaluator has measured.
        now: Broker time, ms.
    """
    action = state.flight.actions.get(data.action)
    if action is None:
        _correct(state, data, now)
        return holdback.drop(state, data.action, now) if data.is_final else ()
    if action.phase == "held":
        return ()
    if data.state == "failed" and action.phase not in ("training", "acting"):
        return ()  # a command read again after a crash may fail though its arms have been trained
    state.flight.end(data.action)
    canary = action.canary if data.state == "promoted" else None
    if canary is not None:  # the report may come after the settlement
        state.registry.serve(action.proposal.model or "", canary.version, canary.artifact)
    cost = cost_of(state.configured.get(action.scope), action.proposal.kind, data.cost, action.cost)
    _charge(state, data.action, action, cost, now)
    if action.phase not in SERVED:
        return ()
    if canary is not None and not data.is_final and not state.is_frozen(action.scope, action.model):
        return holdback.keep(state, data.action, action, now)
    action.renew(now, state.rules_for(action.proposal.family), at_least=action.expires_at)
    return holdback.clear(state, data.action, action)


def withdraw(state: State, subject: str, id_: str, now: int) -> Emits:
    """End what is in flight on a model that goes back; the revert itself takes the candidates away.

    Args:
        state: Actions and holdbacks of the model leave its flight.
        subject: `scope/model`.
        id_: Identity of the request.
        now: Broker time, ms.
    """
    emits: Emits = ()
    for action_id, action in state.flight.serving(subject):
        why = RuleResult(rule="revert", passed=False, value=id_, limit="", reason="the model was reverted")
        emits += end(state, action_id, action, now, action.cost, (why,), is_cleared=True)
    state.flight.let_go_of(subject)
    return emits


def expire(state: State, id_: str, now: int) -> Emits:
    """End an action that has outlived its time: only the governor does. What it asked for counts as spent, at least.

    Args:
        state: Of the governor; changed.
        id_: Of an action in flight.
        now: Broker time, ms.
    """
    action = state.flight.actions[id_]
    return end(state, id_, action, now, action.reserved)


def end(
    state: State,
    id_: str,
    action: Action,
    now: int,
    cost: float,
    why: tuple[RuleResult, ...] = (),
    *,
    is_cleared: bool = False,
) -> Emits:
    """End an action before its settlement: refund the tokens, publish it, leave no candidate on the server.

    Args:
        state: The action leaves its flight, the budget is charged.
        id_: The action.
        action: The same.
        now: Broker time, ms.
        cost: Money that it is charged, >= 0.
        why: What the verdict names as the reason.
        is_cleared: Another command takes the candidates away.
    """
    state.flight.end(id_)
    if action.phase != "held":
        _charge(state, id_, action, cost, now)
    emits = verdict(action, id_, "expired", state.rules_of(action.scope)[1], why)
    if action.phase not in SERVED or is_cleared:
        return emits
    action.renew(now, state.rules_for(action.proposal.family))
    return (*emits, commands.rollout(state, id_, action, "abort", is_over=True))


def _charge(state: State, id_: str, action: Action, cost: float, now: int) -> None:
    state.budgets.charge(id_, action.scope, action.reserved, cost, now)
    if action.proposal.kind in SERVING and action.proposal.chosen != "skip":  # a skip has changed nothing that serves
        state.registry.settle(action.proposal.model or "", now)


def _correct(state: State, data: ActionSettled, now: int) -> None:
    """Replace what an action was charged by what it has cost, as far as that counts in its scope."""
    charge = state.budgets.charges.get(data.action)
    if charge is not None:
        cost = cost_of(state.configured.get(charge.scope), data.kind, data.cost, charge.cost)
        state.budgets.correct(data.action, cost, now)
