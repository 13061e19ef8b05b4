"""From what other tools say to events: pure functions, one module per tool, and the table of them."""

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.registry import Adapter, adapter, adapters
from homeostat.adapters.target import Target

__all__ = ["AdaptedEvent", "Adapter", "Target", "UnreadablePayload", "adapter", "adapters"]
