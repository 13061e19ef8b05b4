"""What the catalogue says, looked up by type, by topic, by writer and by reader."""

from typing import Final

from homeostat.core import Payload
from homeostat.events.base import Data
from homeostat.events.catalogue import CATALOGUE, Row
from homeostat.events.logs import DOORS, LOGS
from homeostat.events.models import payload_class

INGRESS_OF: Final = {row.type.TYPE: row.ingress for row in CATALOGUE if row.ingress is not None}
"""The one topic that a type may be published to from outside."""

ADMITTED: Final[dict[str, tuple[type[Payload], ...]]] = {
    door: tuple(payload_class(row.type.TYPE) for row in CATALOGUE if row.ingress == door) for door in DOORS
}
"""Payload classes that each ingress topic takes."""


def _topics_of(row: Row) -> tuple[str, ...]:
    lies_in = {row.ingress, *(topic for topics in row.writers.values() for topic in topics)}
    return tuple(log.name for log in LOGS if log.name in lies_in)


TOPICS_OF: Final = {row.type.TYPE: _topics_of(row) for row in CATALOGUE}
"""Topics that each type lies in, its ingress topic first."""

TYPES_IN: Final[dict[str, tuple[type[Data], ...]]] = {
    log.name: tuple(row.type for row in CATALOGUE if log.name in TOPICS_OF[row.type.TYPE]) for log in LOGS
}
"""JSON models of what lies in each topic; the hot types lie behind the doors as columns (`events.COLUMNS`)."""


def emits_of(writer: str) -> dict[str, tuple[str, ...]]:
    """Return the topics that a writer puts each type into, in the order of its emits.

    Args:
        writer: As the catalogue names it; one that it does not name writes nothing.
    """
    return {row.type.TYPE: tuple(row.writers[writer]) for row in CATALOGUE if writer in row.writers}


def topics_written_by(writer: str) -> tuple[str, ...]:
    """Return the topics that a writer emits to, in the order of `LOGS`."""
    written = {topic for topics in emits_of(writer).values() for topic in topics}
    return tuple(log.name for log in LOGS if log.name in written)


def topics_read_by(reader: str) -> tuple[str, ...]:
    """Return the topics behind the doors that what a reader reads lies in, in the order of `LOGS`."""
    types = [row.type.TYPE for row in CATALOGUE if reader in row.readers]
    lies_in = {topic for type_ in types for topic in TOPICS_OF[type_]}
    return tuple(log.name for log in LOGS if log.name in lies_in and log.name not in DOORS)
