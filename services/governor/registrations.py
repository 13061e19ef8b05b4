"""A proposal may overtake the registration of its model: two logs, two orders. It waits for it, and not for long."""

from homeostat.core import Event
from homeostat.core.identity import scope_of
from homeostat.events import ActionProposed
from homeostat.services.governor import deciding, flight
from homeostat.services.governor.deciding import Asked
from homeostat.services.governor.lifecycle import Emits
from homeostat.services.governor.settings import GovernorSettings
from homeostat.services.governor.state import State, Waiting


def propose(
    state: State, event: Event, proposal: ActionProposed, settings: GovernorSettings, requester: str = ""
) -> Emits:
    """Decide on a proposal, or put it off until its model is registered, or has not been in time."""
    if proposal.model is None or proposal.model in state.models or _is_full(state, proposal, settings):
        return deciding.propose(state, Asked(event.identity, event.story, event, 0, requester), proposal, settings)
    until = event.time + settings.registration_wait_ms
    flight.await_model(state, event.identity, Waiting(proposal, event.story, requester, until))
    return ()


def arrived(state: State, event: Event, subject: str, ordinal: int, settings: GovernorSettings) -> Emits:
    """A model is registered: decide on what waited for it, in the order in which it came.

    Args:
        state: Knows the model.
        event: The registration.
        subject: `scope/model`.
        ordinal: Of the first emit.
        settings: Of the governor.
    """
    emits: Emits = ()
    for id_ in list(state.awaited.get(subject, ())):
        emits += decide(state, event, id_, ordinal + len(emits), settings)
    return emits


def decide(state: State, event: Event, id_: str, ordinal: int, settings: GovernorSettings) -> Emits:
    """Decide on a proposal that has waited: with the model, or without it."""
    waiting = flight.stop_waiting(state, id_)
    asked = Asked(id_, waiting.story, event, ordinal, waiting.requester)
    return deciding.propose(state, asked, waiting.proposal, settings)


def _is_full(state: State, proposal: ActionProposed, settings: GovernorSettings) -> bool:
    load = state.loads.get(scope_of(proposal.family))
    return load is not None and load.n_waiting >= settings.waiting_proposals
