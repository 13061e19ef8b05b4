"""What can go wrong while the stack is put up, with what to do about it."""

from pathlib import Path
from typing import Final

from homeostat.core import Halt

_SHOWN: Final = 200
"""Characters of a path that a message shows."""


class KafkaUnavailable(Halt):
    """There is no Kafka to work with.

    Args:
        what: What is missing or broke, one sentence.
        todo: What the operator should do, one sentence.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}\n{todo}")
        self.what, self.todo = what, todo


class StackRunning(Halt):
    """Another process runs a stack in this data folder.

    Operator: look with `homeostat status`; stop it with `homeostat down`, or name another folder with `--data-dir`.
    """

    def __init__(self, data_dir: Path, holder: str) -> None:
        super().__init__(
            f"a stack runs in {data_dir} already (process {holder or 'unknown'}): look with `homeostat status`, stop "
            "it with `homeostat down`, or name another folder with --data-dir"
        )
        self.data_dir, self.holder = data_dir, holder


class FolderUnusable(Halt):
    """A folder cannot be made, or not be written to.

    Operator: see the reason; name another one (`--data-dir`).
    """

    def __init__(self, path: Path, why: str) -> None:
        name = str(path) if len(str(path)) < _SHOWN else f"{str(path)[:_SHOWN]}…"
        shown = name if name.isprintable() else ascii(name)
        super().__init__(f"the folder {shown} cannot be used: {why}; name another one by --data-dir")
        self.path, self.why = path, why


class TopicMismatch(Halt):
    """A topic exists with another number of partitions.

    A key would move to another partition, and its order would be lost; so nothing is changed.

    Operator: copy the topic into a new one with the wanted number, or correct the catalogue.
    """

    def __init__(self, topic: str, wanted: int, actual: int) -> None:
        super().__init__(
            f"topic {topic!r} has {actual} partitions, the catalogue wants {wanted}; partitions of a live topic are "
            "never changed: copy it into a new topic or correct the catalogue"
        )
        self.topic, self.wanted, self.actual = topic, wanted, actual
