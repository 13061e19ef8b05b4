"""Records on the disk of a proven system."""

from tests.support.broker_disk import disk
from tests.support.proving import ProvenSystem

from homeostat.codec import Record

SNAPSHOTS = "homeostat.snapshots.governor"


def records(system: ProvenSystem, topic: str) -> list[Record | None]:
    """The records of the partition of a topic that has some, on the broker's disk."""
    return next(found for found in disk(system.log, topic) if found)
