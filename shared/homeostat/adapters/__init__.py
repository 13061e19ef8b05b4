"""From what other tools say to events: pure functions, one module per tool."""

from homeostat.adapters.errors import UnreadablePayload

__all__ = ["UnreadablePayload"]
