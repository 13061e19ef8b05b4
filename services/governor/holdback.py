"""The old champion after a promotion: a shadow for a while, so that the gain is measured and not remembered."""

from homeostat.services.governor import commands
from homeostat.services.governor.action import Action
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits


def keep(state: State, id_: str, action: Action, now: int) -> Emits:
    """Leave only the old champion beside the promoted version.

    It goes when the outcome is final, or at the latest after the life of an action.

    Args:
        state: Its flight takes the holdback in.
        id_: The action.
        action: Promoted and out of flight; becomes the holdback.
        now: Broker time, ms.
    """
    action.hold_back(now, state.rules_for(action.proposal.family))
    state.flight.hold_back(id_, action)
    return (commands.rollout(state, id_, action, "set"),)


def drop(state: State, id_: str, now: int) -> Emits:
    """Clear the old champion away, if there is one.

    Args:
        state: Of the governor; changed.
        id_: Of the action.
        now: Broker time, ms.
    """
    action = state.flight.let_go(id_)
    if action is None:
        return ()
    action.renew(now, state.rules_for(action.proposal.family))
    return clear(state, id_, action)


def drop_of(state: State, subject: str, now: int) -> Emits:
    """Clear away what is held back beside a model, `scope/model`.

    Args:
        state: Of the governor; changed.
        subject: `scope/model`.
        now: Broker time, ms.
    """
    return tuple(emit for id_ in state.flight.held_back(subject) for emit in drop(state, id_, now))


def clear(state: State, id_: str, action: Action) -> Emits:
    """Take what an action that is over has left on the model server away.

    Args:
        state: For the rules and freezes.
        id_: The action.
        action: Out of flight.
    """
    is_frozen = state.is_frozen(action.scope, action.proposal.model)
    verb: commands.Verb = "abort" if is_frozen else "set"  # a brake would keep the shadows
    return (commands.rollout(state, id_, action, verb, is_over=True),)
