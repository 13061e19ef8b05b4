"""What an import publishes of what a reader has read, and as whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from homeostat.adapters import AdaptedEvent
from homeostat.core import Payload
from homeostat.events import DeploymentObserved, ModelRegistered, Samples, SignalObserved, SliObserved
from homeostat.events.history import HISTORY

REGISTERS: Final = "/homeostat/import"
"""Source of registrations: a model is known from now on, that is not history."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An event that an import publishes.

    Args:
        source: `ce_source`.
        id: `ce_id`.
        subject: Key.
        data: Payload.
    """

    source: str
    id: str
    subject: str
    data: Payload


def last_champions(events: Iterable[AdaptedEvent]) -> dict[str, str]:
    """Return the version that answered last as champion, by model: the one that a registration should name now."""
    return {
        event.subject: event.data.version
        for event in events
        if isinstance(event.data, Samples) and event.data.role == "champion"
    }


def marked(event: AdaptedEvent, name: str, champions: Mapping[str, str]) -> Marked | None:
    """Mark an event as history; None for a deployment: what served once is nothing to follow.

    Args:
        event: As read; not changed.
        name: Of what it was read from; the end of the source, so that one import can be distrusted.
        champions: Of now, by model.
    """
    data = event.data
    if isinstance(data, DeploymentObserved):
        return None
    if isinstance(data, SignalObserved | SliObserved):
        data = data.model_copy(update={"measured": event.time})
    if isinstance(data, ModelRegistered):
        data = data.model_copy(update={"champion": champions.get(event.subject, data.champion)})
    source = REGISTERS if isinstance(data, ModelRegistered) else f"{HISTORY}{name}"
    return Marked(source, event.id, event.subject, data)
