"""The old champion after a promotion: a shadow for a while, so that the gain is measured and not remembered."""

from homeostat.core import Emit
from homeostat.services.governor import commands, flight
from homeostat.services.governor.state import Action, State

Emits = tuple[Emit, ...]


def keep(state: State, id_: str, action: Action, now: int) -> Emits:
    """Leave only the old champion beside the promoted version; it goes when the outcome is final, or at the latest
    after the life of an action.
    """
    assert action.canary is not None
    action.candidates, action.step = [action.canary], -1
    action.expires_at = now + state.life_ms(action)
    flight.hold_back(state, id_, action)
    return (commands.rollout(state, id_, action, "set"),)


def drop(state: State, id_: str, now: int) -> Emits:
    """Clear the old champion away."""
    action = flight.let_go(state, id_)
    if action is None:
        return ()
    action.expires_at = now + state.life_ms(action)
    verb: commands.Verb = "abort" if state.is_frozen(action.scope, action.model) else "set"  # a brake would keep it
    return (commands.rollout(state, id_, action, verb, is_over=True),)


def drop_of(state: State, subject: str, now: int) -> Emits:
    """Clear away what is held back beside a model."""
    return tuple(emit for id_ in flight.held_back(state, subject) for emit in drop(state, id_, now))


def forget(state: State, subject: str) -> None:
    """Another command says what the model serves, whole: nothing is held back any more."""
    for id_ in flight.held_back(state, subject):
        flight.let_go(state, id_)
