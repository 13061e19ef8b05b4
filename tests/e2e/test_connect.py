"""`docs/connect.md` does what it says: its commands, typed as they are on a real Kafka, until a retrain is promoted."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.jars import ensure_jars
from homeostat_tools.local_stack.ports import pick_port

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "connect.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
INSTALL, UP, CLASSIFIER, ACT, CHECK, WHY, TOLD, REGRESSOR = ([*block.splitlines()] for block in BLOCKS)
TEN_MINUTES = 600.0


class Terminals:
    """A folder in which somebody types.

    Args:
        folder: Where.
        environment: Of the shells.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self._environment = folder, environment

    def type(self, line: str, expected: int | None = 0) -> str:
        """Run a command to its end; return what it has printed."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TEN_MINUTES,
            check=False,
        )
        assert expected in (None, done.returncode), (line, done.stdout, done.stderr)
        return done.stdout + done.stderr if done.returncode == 0 else ""

    def leave_running(self, line: str, stack: ExitStack, name: str) -> Path:
        """Start a command that stays; return the file with what it prints. Ctrl-C ends it."""
        path = self.folder / name
        process = subprocess.Popen(["bash", "-c", f"exec {line} > {name} 2>&1"], cwd=self.folder, env=self._environment)

        def end() -> None:
            process.send_signal(signal.SIGINT)
            process.wait(TEN_MINUTES)

        stack.callback(end)
        return path


def wait(path: Path, is_there: Callable[[str], object], seconds: float = TEN_MINUTES) -> None:
    """Wait until a program has printed something."""
    deadline = time.monotonic() + seconds
    while not is_there(text := path.read_text() if path.exists() else ""):
        assert time.monotonic() < deadline, text[-3000:]
        assert not re.search("^(error: |Traceback)", text, re.MULTILINE), text[-3000:]
        time.sleep(0.2)


def promoted(text: str) -> bool:
    """Whether another version than the first is the champion."""
    return bool(re.search(r"champion (?!v1)\S", text))


@pytest.fixture(scope="module")
def terminals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminals]:
    """With the stack of the document, as it is started there."""
    try:
        ensure_jars(lambda _: None)
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    cache = {name: os.environ[name] for name in ("HOMEOSTAT_CACHE_DIR",) if name in os.environ}
    environment = (
        kept
        | cache
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HOMEOSTAT_ROLLOUT_ACTUATOR_URL": f"http://127.0.0.1:{pick_port(())}",
            "NO_COLOR": "1",
        }
    )
    with ExitStack() as stack:
        found = Terminals(tmp_path_factory.mktemp("connect"), environment)
        wait(found.leave_running(UP[0], stack, "up.log"), lambda text: "look:" in text)
        yield found


@pytest.mark.parametrize(("lines", "model"), [(CLASSIFIER, "shop/ranker"), (REGRESSOR, "shop/price")])
def test_a_retrain_is_promoted_without_an_edit(
    terminals: Terminals, say: Callable[[str], None], lines: list[str], model: str
) -> None:
    """Within ten minutes, of which most is waiting for the toy world to turn; then everything is there and told."""
    began = time.monotonic()
    *before, serve = lines
    with ExitStack() as stack:
        for line in before:
            terminals.type(line)
        log = terminals.leave_running(serve, stack, f"{model.partition('/')[2]}.log")
        wait(log, lambda text: "    8 " in text)
        terminals.type(ACT[0])
        check, why, outcome, story = (line.replace("shop/ranker", model) for line in (*CHECK, *WHY, *TOLD))
        while not terminals.type(check, expected=None):  # until labels have come
            assert time.monotonic() - began < TEN_MINUTES, terminals.type(check)
        checked = time.monotonic() - began
        assert model in terminals.type(why)
        wait(log, promoted)
        seconds = time.monotonic() - began

        while "promoted" not in terminals.type(outcome):
            assert time.monotonic() - began < TEN_MINUTES
        assert "events in" in terminals.type(story)
    say(f"{model}: all is there after {checked:.0f} s, a retrain is promoted after {seconds:.0f} s")
    assert seconds < TEN_MINUTES


def test_what_is_installed_is_what_the_makefile_installs() -> None:
    """The first block, which needs a network, is not typed here."""
    assert INSTALL == ["make venv", "source .venv/bin/activate"]
    assert "\nvenv: $(READY)" in (ROOT / "Makefile").read_text("utf-8")
