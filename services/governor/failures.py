"""What a hand could not do: once more where that may help, and otherwise the end of the action, at once."""

from typing import Final

from homeostat.events import ActionFailed, RuleResult
from homeostat.events.reports import NEVER_BEGUN, RETRYABLE
from homeostat.services.governor import commands, flight, lifecycle
from homeostat.services.governor.lifecycle import Emits
from homeostat.services.governor.state import Action, State

_ATTEMPTS: Final = 2
"""Failures in a row that end an action; what is not retryable ends it at once."""


def failed(state: State, data: ActionFailed, now: int) -> Emits:
    """Answer a hand that could not.

    A training, a threshold and a meta-training are over: their hand has tried for as long as it may, and what it was
    asked is asked again by whoever wanted it. A rollout is set once more if that may help; a braked one goes on when
    the freeze is lifted.
    """
    action = state.actions.get(data.action)
    if action is None or action.phase == "held":
        return ()
    if action.phase in ("training", "acting"):
        return _could_not_begin(state, data, action, now) if data.kind == action.proposal.kind else ()
    if data.kind != "rollout":
        return ()  # a training's command read again after a crash
    if data.reason == "braked":
        _step_back(state, action)
        if state.is_frozen(action.scope, action.model):
            return ()
    action.n_failed += 1
    if data.reason not in RETRYABLE or action.n_failed >= _ATTEMPTS:
        return lifecycle.end(state, data.action, action, now, action.cost, (_why(data),))
    return _once_more(state, data.action, action)


def _could_not_begin(state: State, data: ActionFailed, action: Action, now: int) -> Emits:
    """A training without its hand: go on with the arms that are there, or end."""
    if action.candidates:  # its command was read again after a crash, too late or in a freeze
        return lifecycle.roll_out(state, data.action, action)
    is_unknown = action.proposal.kind == "meta_training" and data.reason not in NEVER_BEGUN
    cost = action.proposal.money if is_unknown else action.cost
    return lifecycle.end(state, data.action, action, now, cost, (_why(data),))


def _once_more(state: State, id_: str, action: Action) -> Emits:
    if action.phase in ("ready", "rolling") and action.step < 0:
        return lifecycle.proceed(state, id_, action)
    if action.phase == "rolling" and action.judgement:  # a brake of which no freeze is known has stepped back
        return lifecycle.proceed(state, id_, action)
    verb: commands.Verb = "promote" if action.phase == "promoting" else "set"
    if action.phase == "measuring" and action.canary is not None:
        verb = "abort"
    return (commands.rollout(state, id_, action, verb),)


def _step_back(state: State, action: Action) -> None:
    """Undo what a brake has stopped. An abort passes brakes, so what was aborted is left alone."""
    if action.phase == "promoting":
        flight.move(state, action, "rolling")
        action.judgement = "promote"
    elif action.phase == "rolling" and action.step > 0:
        action.step, action.judgement = action.step - 1, "continue"
    elif action.phase == "rolling" or (action.phase == "measuring" and action.canary is None):
        flight.move(state, action, "ready")
        action.step = -1


def _why(data: ActionFailed) -> RuleResult:
    return RuleResult(rule="hand", passed=False, value=data.reason, limit="applied", reason=data.detail)
