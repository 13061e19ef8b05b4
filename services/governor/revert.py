"""Back to the version that was served before, on a person's request."""

from typing import Final

from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events import RevertRequested
from homeostat.services.governor import commands, settlement
from homeostat.services.governor.authorization import authorize
from homeostat.services.governor.state import State
from homeostat.services.governor.verdicts import Emits

_REVERT_TTL_MS: Final = 3_600_000


def revert(state: State, event: Event, data: RevertRequested) -> Emits:
    """Command the revert of a model, and end what is in flight on it.

    Args:
        state: Actions of the model leave its flight.
        event: The request.
        data: Its payload.

    Raises:
        Reject: `role_missing`, `nothing_to_revert`.
    """
    authorize(state.keyring, data, "operator", scope_of(data.model))
    back = _last_good(state, data.model)
    if back is None:
        raise Reject("nothing_to_revert", f"{data.model} has no earlier version that is known to be good")
    withdrawn = settlement.withdraw(state, data.model, event.identity, event.time)
    return (commands.revert(state, event.identity, data.model, back, event.time + _REVERT_TTL_MS), *withdrawn)


def _last_good(state: State, subject: str) -> commands.Back | None:
    """Version to go back to: while a promotion is on its way, the one that it replaces."""
    model = state.registry.models.get(subject)
    if model is None:
        return None
    if any(action.phase == "promoting" for _, action in state.flight.serving(subject)):
        return model.champion, model.artifact
    return None if model.last_good is None else (model.last_good, model.last_good_artifact)
