"""`homeostat up` as people start it: its address, a second start, commands from below, kcat as in the README."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeostat.runtime.settings import DEFAULT_BOOTSTRAP
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.jars import ensure_jars
from homeostat_tools.local_stack.ports import is_free

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 240.0
KCAT = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "kcat -P" in line]


class Up:
    """A stack in a folder, and a shell in a folder below.

    Args:
        folder: Where it runs.
        options: Of the command.
        added: Variables of its environment and of the commands'.
    """

    def __init__(self, folder: Path, *options: str, **added: str) -> None:
        self.environment = environment() | added
        self.folder, self.below = folder, folder / "src" / "deep"
        self.below.mkdir(parents=True)
        self.was_free = is_free(int(DEFAULT_BOOTSTRAP.rpartition(":")[2]))
        self.output = (folder / "up.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "homeostat_tools.cli", "up", *options],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=self.output,
        )

    def await_start(self) -> None:
        """Wait until it says where to look."""
        deadline = time.monotonic() + WAIT_SECONDS
        while "look:" not in (text := (self.folder / "up.log").read_text()):
            assert self.process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.1)

    def __call__(self, *args: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command below the stack's folder."""
        return subprocess.run(
            [sys.executable, "-m", "homeostat_tools.cli", *args],
            cwd=folder or self.below,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )


def environment() -> dict[str, str]:
    """Of a shell that knows nothing of this test's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    cache = {name: os.environ[name] for name in ("HOMEOSTAT_CACHE_DIR",) if name in os.environ}
    return kept | cache | {"PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}


@contextmanager
def running(folder: Path, *options: str, **added: str) -> Iterator[Up]:
    """A stack that is up; see `Up`."""
    try:
        ensure_jars(lambda _: None)
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    started = Up(folder, *options, **added)
    try:
        started.await_start()
        yield started
    finally:
        if started.process.poll() is None:
            started.process.send_signal(signal.SIGTERM)
        started.process.wait(WAIT_SECONDS)
        started.output.close()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One stack for this file."""
    with running(tmp_path_factory.mktemp("up")) as started:
        yield started


def test_kafka_is_where_the_documents_say(up: Up) -> None:
    """At the default address if its port was free; wherever it is, `address` says it, from any folder below."""
    found = up("address")

    assert (found.returncode, found.stdout.count("\n")) == (0, 1), found.stderr
    if up.was_free:
        assert found.stdout.strip() == DEFAULT_BOOTSTRAP
    else:
        assert "homeostat address" in (up.folder / "up.log").read_text()


def test_commands_work_in_any_folder_below(up: Up) -> None:
    """Processes, logs, and keys to sign with."""
    assert "running" in up("status").stdout
    assert up("topics").returncode == 0
    assert up("budget", "*", "7").returncode == 0


@pytest.mark.parametrize("is_below", [False, True])
def test_a_second_start_takes_nothing_away(up: Up, is_below: bool) -> None:
    """In its folder or below it says that one runs, and by which process; the first is found and works as before."""
    before = up("address").stdout

    second = up("up", folder=up.below if is_below else up.folder)

    assert second.returncode == 1
    assert str(up.process.pid) in second.stderr
    assert second.stderr.count("\n") == 1
    assert up("address").stdout == before
    assert up("status").returncode == 0
    assert up("budget", "*", "8").returncode == 0


def test_a_demo_does_not_empty_the_folder_of_a_stack(up: Up) -> None:
    """Not while it runs, and not because somebody names it."""
    refused = up("demo", "--no-stay", "--data-dir", str(up.folder / ".homeostat"))

    assert refused.returncode == 1
    assert "already" in refused.stderr
    assert (up.folder / ".homeostat" / "keys" / "operator.pem").exists()


def test_kcat_publishes_as_the_readme_has_it(up: Up) -> None:
    """Its lines, typed as they stand where the address is the usual one; what they say reaches the timeline."""
    if shutil.which("kcat") is None:
        pytest.skip("kcat is not installed here")
    address = up("address").stdout.strip()
    for line in KCAT:
        typed = line if address == DEFAULT_BOOTSTRAP else line.replace(DEFAULT_BOOTSTRAP, address)
        subprocess.run(["bash", "-o", "pipefail", "-c", typed], check=True, timeout=WAIT_SECONDS)
    (subject,) = {re.sub(r".* -k (\S+).*", r"\1", shlex.join(shlex.split(line))) for line in KCAT}

    deadline = time.monotonic() + WAIT_SECONDS
    kinds = ("-t", "*.registered", "-t", "*.observed")
    while len(lines := up("tail", "timeline", "-s", subject, *kinds, "--json").stdout.splitlines()) < len(KCAT):
        assert time.monotonic() < deadline, up("quarantine", "list").stdout

    types = [json.loads(line)["type"] for line in lines]
    assert types == ["homeostat.model.registered.v1", "homeostat.samples.observed.v1"]


def test_down_stops_it_from_below(up: Up) -> None:
    """The last test of this file: nothing runs afterwards, and nobody finds an address."""
    assert up("down").returncode == 0

    assert up.process.wait(WAIT_SECONDS) == 0
    gone = up("address")
    assert gone.returncode == 3
    assert "homeostat up" in gone.stderr
