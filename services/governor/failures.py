"""Answer what a hand could not do: once more where that may help, and otherwise the end of the action, at once."""

from typing import Final

from homeostat.events import ActionFailed, RuleResult
from homeostat.events.reports import NEVER_BEGUN, RETRYABLE
from homeostat.services.governor import commands, lifecycle, settlement
from homeostat.services.governor.action import Action
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits

_ATTEMPTS: Final = 2
"""Failures in a row that end an action; what is not retryable ends it at once."""


def failed(state: State, data: ActionFailed, now: int) -> Emits:
    """Answer a hand that could not do what it was told.

    A training, a threshold and a meta-training are over: their hand has tried for as long as it may, and what it was
    asked is asked again by whoever wanted it. A rollout is set once more if that may help; a braked one goes on when
    the freeze is lifted.

    Args:
        state: The action may leave its flight.
        data: What the hand has reported.
        now: Broker time, ms.
    """
    action = state.flight.actions.get(data.action)
    if action is None or action.phase == "held":
        return ()
    if action.phase in ("training", "acting"):
        return _could_not_begin(state, data, action, now) if data.kind == action.proposal.kind else ()
    if data.kind != "rollout":
        return ()  # a training's command read again after a crash
    if data.reason == "braked":
        state.flight.move(action, action.step_back())
        if state.is_frozen(action.scope, action.model):
            return ()
    action.n_failed += 1
    if data.reason not in RETRYABLE or action.n_failed >= _ATTEMPTS:
        return settlement.end(state, data.action, action, now, action.cost, (_why(data),))
    return _once_more(state, data.action, action)


def _could_not_begin(state: State, data: ActionFailed, action: Action, now: int) -> Emits:
    """A training without its hand: go on with the arms that are there, or end."""
    if action.candidates:  # its command was read again after a crash, too late or in a freeze
        return lifecycle.roll_out(state, data.action, action)
    is_unknown = action.proposal.kind == "meta_training" and data.reason not in NEVER_BEGUN
    cost = action.proposal.money if is_unknown else action.cost
    return settlement.end(state, data.action, action, now, cost, (_why(data),))


def _once_more(state: State, id_: str, action: Action) -> Emits:
    if action.phase in ("ready", "rolling") and action.step < 0:
        return lifecycle.proceed(state, id_, action)
    if action.phase == "rolling" and action.judgement:  # a brake of which no freeze is known has stepped back
        return lifecycle.proceed(state, id_, action)
    verb: commands.Verb = "promote" if action.phase == "promoting" else "set"
    if action.phase == "measuring" and action.canary is not None:
        verb = "abort"
    return (commands.rollout(state, id_, action, verb),)


def _why(data: ActionFailed) -> RuleResult:
    return RuleResult(rule="hand", passed=False, value=data.reason, limit="applied", reason=data.detail)
