"""What a model server was set to, in one file, so that a restart serves the same."""

from pathlib import Path

import msgspec

from homeostat.core import Halt
from homeostat.durable_file import replace_file
from homeostat.serving import ModelState


class StateFileUnreadable(Halt):
    """The state file holds something else.

    Operator: restore it, or delete it and set the deployments again.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"state file {path}: {why}; restore it, or delete it and set the deployments again")
        self.path = path


class StateFile:
    """A JSON file that is replaced whole: after a crash it holds the old states or the new ones.

    Args:
        path: The file; its folder is made at the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, ModelState]:
        """Return the states by model; none if there is no file.

        Raises:
            StateFileUnreadable: Not what `write` wrote.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, ModelState])
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            raise StateFileUnreadable(self.path, str(error)) from None

    def write(self, states: dict[str, ModelState]) -> None:
        """Replace the file; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, msgspec.json.encode(states))
