"""What the doors remember of a subject."""

from dataclasses import dataclass, field

from homeostat.events import ModelRegistered
from homeostat.services.intake.claims import Unproven
from homeostat.services.intake.deduplication import Seen
from homeostat.services.intake.deployments import Deployments
from homeostat.services.intake.joining import Join
from homeostat.services.intake.learning import Learning
from homeostat.services.intake.registrations import Registrations
from homeostat.services.intake.versions import Versions


@dataclass(slots=True)
class DoorState:
    """Memory of any door.

    Args:
        seen: Events admitted lately.
    """

    seen: Seen = field(default_factory=Seen)


@dataclass(slots=True)
class SignedState(DoorState):
    """Memory of a partition of a door that takes only what is signed.

    Args:
        unproven: What went on that brings no key to check it by.
    """

    unproven: Unproven = field(default_factory=Unproven)


@dataclass(slots=True)
class TracesState(DoorState):
    """Memory of the traces door: one family.

    Args:
        is_announced: Governance has been told that there is such a family.
    """

    is_announced: bool = False


@dataclass(slots=True)
class TelemetryState(DoorState):
    """Memory of the telemetry door: one model.

    Args:
        contract: The last registration, with its number and the features that were learned; None before the first.
        learning: Which features came, while none are known.
        versions: That are no surprise.
        join: What its versions said, and which labels came.
        deployments: What was announced lately.
        registrations: When it was registered lately.
    """

    contract: ModelRegistered | None = None
    learning: Learning = field(default_factory=Learning)
    versions: Versions = field(default_factory=Versions)
    join: Join = field(default_factory=Join)
    deployments: Deployments = field(default_factory=Deployments)
    registrations: Registrations = field(default_factory=Registrations)
