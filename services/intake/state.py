"""What the doors remember of a subject."""

from dataclasses import dataclass, field

from homeostat.events import ModelRegistered
from intake.deduplication import Seen
from intake.joining import Answers


@dataclass(slots=True)
class DoorState:
    """Memory of any door.

    Args:
        seen: Events admitted lately.
        n_duplicates: Events dropped because they had been admitted before.
    """

    seen: Seen = field(default_factory=Seen)
    n_duplicates: int = 0


@dataclass(slots=True)
class TelemetryState(DoorState):
    """Memory of the telemetry door: one model.

    Args:
        contract: The last registration; None before the first.
        answers: What its versions said lately.
        n_repeated_labels: Labels dropped because the request had the same one.
        n_unmatched_labels: Labels without a request, quarantined while others of their event were joined.
        n_redacted: Personal values dropped.
    """

    contract: ModelRegistered | None = None
    answers: Answers = field(default_factory=Answers)
    n_repeated_labels: int = 0
    n_unmatched_labels: int = 0
    n_redacted: int = 0
