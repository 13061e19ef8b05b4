"""A type comes in by its own door only."""

from homeostat.core import Event, Reject
from homeostat.events import short
from homeostat.events.routes import INGRESS_OF


def check_type(event: Event, door: str) -> None:
    """Let a type pass only at its own door.

    Raises:
        Reject: `type_not_for_log`.
    """
    right = INGRESS_OF.get(event.type)
    if right != door:
        where = f"publish it to {right}" if right else "no door takes it: it is derived inside"
        raise Reject("type_not_for_log", f"{short(event.type)} does not belong in {door}; {where}")
