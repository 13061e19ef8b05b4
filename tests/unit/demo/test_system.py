"""The demo empties its own folder, and nobody else's."""

from pathlib import Path

import pytest

from homeostat_lab.demo.system import FolderTaken, live
from homeostat_tools.local_stack.data_lock import DataLock
from homeostat_tools.local_stack.errors import StackRunning


@pytest.mark.parametrize("name", ["keys", "logs", "artifacts"])
def test_a_folder_of_something_else_is_not_emptied(tmp_path: Path, name: str) -> None:
    """It says which folder stopped it."""
    kept = tmp_path / name / "precious"
    kept.parent.mkdir()
    kept.write_text("")

    with pytest.raises(FolderTaken, match=name), live(tmp_path, lambda _: None):
        pass

    assert kept.exists()


def test_the_folder_of_a_running_stack_is_not_emptied(tmp_path: Path) -> None:
    """Not even if a demo has made it."""
    (tmp_path / "homeostat-demo").touch()
    (tmp_path / "keys").mkdir()
    lock = DataLock(tmp_path)
    lock.acquire()

    with pytest.raises(StackRunning), live(tmp_path, lambda _: None):
        pass

    assert (tmp_path / "keys").exists()
    lock.release()
