"""Pure vocabulary of the system: events, identities, folds, hands, snapshots, errors. Standard library only."""

from homeostat.core.errors import Halt, HomeostatError, Missing, Reject, Retry
from homeostat.core.event import Emit, Event, Payload, Position
from homeostat.core.fold import Fold
from homeostat.core.hand import CommandExecution, Hand, Observer, Report
from homeostat.core.identity import Identity

__all__ = [
    "CommandExecution",
    "Emit",
    "Event",
    "Fold",
    "Halt",
    "Hand",
    "HomeostatError",
    "Identity",
    "Missing",
    "Observer",
    "Payload",
    "Position",
    "Reject",
    "Report",
    "Retry",
]
