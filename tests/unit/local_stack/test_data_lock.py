"""One stack per data folder, and the second start takes nothing from the first."""

import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.client.address import read_address, write_address
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.data_lock import DataLock
from homeostat_tools.local_stack.errors import StackRunning
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.ports import is_free, pick_port


def test_a_folder_has_one_holder(tmp_path: Path) -> None:
    """The second is refused with the process that holds it; after a release it is taken."""
    first, second = DataLock(tmp_path / "new"), DataLock(tmp_path / "new")
    first.acquire()
    first.acquire()

    with pytest.raises(StackRunning, match="homeostat down"):
        second.acquire()
    first.release()

    second.acquire()
    with pytest.raises(StackRunning):
        first.acquire()
    second.release()


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    """Whatever its end was: the lock ends with the process."""
    code = (
        "import sys; from pathlib import Path; from homeostat_tools.local_stack.data_lock import DataLock\n"
        "lock = DataLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StackRunning, match=str(holder.pid)):
            DataLock(tmp_path).acquire()
        holder.kill()
        holder.wait()

    lock = DataLock(tmp_path)
    lock.acquire()
    lock.release()


def test_a_second_stack_leaves_the_first_its_address(tmp_path: Path) -> None:
    """It is refused before it changes anything, and its stop stops nothing of the first."""
    lock = DataLock(tmp_path)
    lock.acquire()
    write_address(tmp_path, "127.0.0.1:1234", model_server="http://127.0.0.1:1")
    second = LocalStack(tmp_path)

    with pytest.raises(StackRunning):
        second.start()
    second.stop()

    assert read_address(tmp_path) == "127.0.0.1:1234"
    assert {path.name for path in tmp_path.iterdir()} == {"stack.json", "up.lock"}
    lock.release()


def port_of(broker: Broker) -> int:
    """The port that a start would choose."""
    broker.home.mkdir(parents=True, exist_ok=True)
    broker.write_properties()
    return int(broker.bootstrap_servers.rpartition(":")[2])


def test_the_first_start_takes_the_usual_port_and_later_ones_keep_theirs(tmp_path: Path) -> None:
    """The port that was named, else the last one, else the usual one if it is free, else any."""
    usual = pick_port(())

    assert port_of(Broker(tmp_path / "a", first_port=usual)) == usual
    assert port_of(Broker(tmp_path / "a")) == usual
    other = pick_port((), taken=(usual,))
    assert port_of(Broker(tmp_path / "a", other, first_port=usual)) == other
    assert port_of(Broker(tmp_path / "a", first_port=usual)) == other


def test_a_usual_port_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    """Another one is chosen, and free."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]

        chosen = port_of(Broker(tmp_path, first_port=usual))

    assert chosen != usual
    assert is_free(chosen)
