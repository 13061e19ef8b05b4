"""An approved action up to its settlement: what happens next, given what is known."""

from homeostat.events import ActionApplied, CanaryJudged, CandidateTrained
from homeostat.services.governor import commands
from homeostat.services.governor.action import Action
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits


def trained(state: State, data: CandidateTrained) -> Emits:
    """Take the report of one arm; when all have reported, roll out."""
    action = state.flight.actions.get(data.action)
    if action is None or data.arm not in action.waiting_for:
        return ()
    rules, _ = state.rules_of(action.scope)
    state.budgets.reserve(action.scope, action.add_candidate(data, rules))
    if action.waiting_for or not action.candidates:
        return ()  # with no candidate at all the hand's action.failed ends it
    return roll_out(state, data.action, action)


def roll_out(state: State, id_: str, action: Action) -> Emits:
    """Begin with what was trained; what has not reported does not count.

    Args:
        state: Of the governor; changed.
        id_: Of the action.
        action: The same; changed.
    """
    action.close_training()
    state.flight.move(action, "ready")
    return proceed(state, id_, action)


def resume(state: State, scope: str) -> Emits:
    """Go on where a freeze has held.

    Args:
        state: Its actions go on.
        scope: Of the freeze: a scope, a model of it, or `*`.
    """
    flight = state.flight
    return tuple(emit for id_ in flight.of_scope(scope) for emit in proceed(state, id_, flight.actions[id_]))


def proceed(state: State, id_: str, action: Action) -> Emits:
    """Do what is next, unless a freeze holds it.

    Args:
        state: Its flight counts the phase.
        id_: The action.
        action: In flight, or held: then nothing is next.
    """
    if state.is_frozen(action.scope, action.proposal.model) and not action.is_emergency:
        return ()
    if action.phase == "ready":
        return _start_serving(state, id_, action)
    verb = action.next_step()
    if verb == "promote":
        state.flight.move(action, "promoting")
    return (commands.rollout(state, id_, action, verb),) if verb else ()


def judged(state: State, data: CanaryJudged) -> Emits:
    """Answer a judgement with a weight; an abort passes every freeze, and no evidence is no reason to go on."""
    action = state.flight.actions.get(data.action)
    if action is None or action.phase != "rolling":
        return ()
    if data.judgement in ("abort", "inconclusive"):
        return _abort(state, data.action, action)
    if data.step != action.step:
        return ()  # it speaks of a step that is over
    action.judgement = data.judgement
    return proceed(state, data.action, action)


def applied(state: State, data: ActionApplied, now: int) -> Emits:
    """Take note of what a hand has set; a threshold's band is the end of its action.

    Args:
        state: Model, action and, at an end, the budget change.
        data: What has been set.
        now: Broker time, ms.
    """
    action = state.flight.actions.get(data.action)
    if action is not None:
        action.n_failed = 0
    if data.rollout is not None:
        state.registry.serve(data.model or "", data.rollout.champion, data.rollout.champion_artifact)
        if action is not None:
            action.was_served |= bool(data.rollout.candidates)
        if action is not None and action.phase == "promoting" and data.rollout_verb == "promote":
            state.flight.move(action, "measuring")
    elif action is not None and action.phase == "acting" and action.proposal.kind == data.kind == "threshold":
        state.flight.end(data.action)
        state.budgets.release(action.scope, action.reserved, 0.0, now)
    return ()


def _start_serving(state: State, id_: str, action: Action) -> Emits:
    """Put the candidates on the server: the canary with its first weight, or shadows alone."""
    state.flight.move(action, action.start_serving())
    state.flight.let_go_of(action.proposal.model or "")
    return (commands.rollout(state, id_, action, "set"),)


def _abort(state: State, id_: str, action: Action) -> Emits:
    """Take the canary's weight away; it stays as a shadow until the outcome is measured."""
    state.flight.move(action, "measuring")
    action.judgement = ""
    return (commands.rollout(state, id_, action, "abort"),)
