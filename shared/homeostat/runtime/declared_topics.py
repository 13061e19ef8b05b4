"""Topics of the catalogue, and those that declared folds need beside it."""

from homeostat.events.logs import LOGS, Log
from homeostat.runtime.registry import folds


def topic_of(name: str) -> Log:
    """Look a topic up, of the catalogue or one that a fold declares.

    Raises:
        KeyError: There is none.
    """
    for log in (*LOGS, *created_topics()):
        if log.name == name:
            return log
    raise KeyError(f"no topic {name!r}")


def created_topics() -> tuple[Log, ...]:
    """Topics beside the catalogue's that folds declare."""
    return tuple({log.name: log for entry in folds().values() for log in entry.creates}.values())
