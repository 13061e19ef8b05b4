"""What earlier imports have brought in, by the logs alone: nothing is kept here that could be lost or wrong."""

from collections.abc import Collection
from typing import Final

from homeostat.client.logs import Logs
from homeostat.codec.encode import partition_of
from homeostat.events.history import HISTORY
from homeostat.events.logs import EXPERIENCE, TIMELINE

_ADMITTED: Final = (TIMELINE, EXPERIENCE)
_STORY: Final = "ce_correlationid"


def published_ids(logs: Logs, subjects: Collection[str]) -> set[str]:
    """Return the ids of the history that intake has admitted and the logs still hold.

    What was admitted belongs to the story that its input opened. What is on its way is told apart by intake.

    Args:
        logs: Where.
        subjects: Of the events; their partitions are read, headers only.
    """
    found = set[str]()
    for log in _ADMITTED:
        n = logs.n_partitions(log)
        for partition in sorted({partition_of(subject.encode(), n) for subject in subjects}):
            for record in logs.read([log], partition=partition):
                story = dict(record.headers).get(_STORY) or b""
                if story.startswith(HISTORY.encode()):
                    found.add(story.decode(errors="replace").rpartition("#")[2])
    return found
