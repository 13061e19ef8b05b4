"""What whoever operates the broker could do to a log in memory, and its users cannot: change records, delete topics."""

from homeostat.codec import Record
from homeostat.runtime.memory import MemoryLog


def disk(log: MemoryLog, topic: str) -> list[list[Record | None]]:
    """The partitions of a topic as they lie on the disk; a change of them is a change of the log."""
    return log._topics[topic]  # noqa: SLF001  # a log has no way to change what was written


def delete_topic(log: MemoryLog, topic: str) -> None:
    """Delete a topic with all that is in it."""
    del log._topics[topic]  # noqa: SLF001  # a log has no way to lose a topic


def rename_ids(log: MemoryLog, infix: str) -> None:
    """Let the id of every topic have a text in its middle, as if the broker had drawn it so."""
    log._ids = {name: id_[:8] + infix + id_[8:] for name, id_ in log._ids.items()}  # noqa: SLF001  # ids are drawn
