"""Signals out of numbers that somebody else measured."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import as_name, attributes_of
from homeostat.adapters.target import Target
from homeostat.codec.decode import first_error
from homeostat.events import SignalObserved
from homeostat.events.base import Layer


def signal(
    target: Target,
    where: str,
    time: int,
    layer: Layer,
    name: str,
    value: float,
    *,
    unit: str = "",
    labels: Mapping[str, Any] | None = None,
) -> AdaptedEvent:
    """Make a signal.

    Args:
        target: Whom it is about; its layer goes before `layer`.
        where: Path of the value in the payload, for errors.
        time: When it was measured, ms since the epoch.
        layer: Where it was measured.
        name: As its tool calls it.
        value: Finite.
        unit: UCUM.
        labels: That tell series of this name apart.

    Raises:
        UnreadablePayload: A name or a value that no signal may have.
    """
    try:
        data = SignalObserved(
            layer=target.layer or layer,
            name=as_name(name),
            value=value,
            unit=unit,
            attributes=attributes_of(labels or {}),
        )
    except ValidationError as error:
        raise UnreadablePayload(where, first_error(error)) from None
    return AdaptedEvent(time, target.subject, data)


def in_order(events: list[AdaptedEvent]) -> list[AdaptedEvent]:
    """Sort by time; what was at the same time stays as it is."""
    return sorted(events, key=lambda event: event.time)
