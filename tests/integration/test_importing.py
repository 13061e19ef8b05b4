"""`homeostat import` on a real broker: killed half-way, run again, run once more; each row is there once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.intake_process import IntakeProcess

from homeostat.events import Labels, Samples
from homeostat.events.history import is_history
from homeostat.events.logs import TELEMETRY, TIMELINE

pytestmark = pytest.mark.kafka
MODEL = "it/imported"
ROWS = 3000
WAIT_SECONDS = 240.0


@pytest.fixture
def intake(kafka: str, tmp_path: Path) -> Iterator[IntakeProcess]:
    """Intake, running."""
    process = IntakeProcess(kafka, tmp_path)
    process.start()
    yield process
    process.close()


def _command(intake: IntakeProcess, table: Path) -> tuple[list[str], dict[str, str]]:
    argv = [sys.executable, "-m", "homeostat", "import", "table", str(table), "-s", MODEL, "--family", "f", "--json"]
    return argv, os.environ | {"HOMEOSTAT_BOOTSTRAP_SERVERS": intake.broker, "HOMEOSTAT_DATA_DIR": str(table.parent)}


def _run(intake: IntakeProcess, table: Path) -> dict[str, Any]:
    """Import to the end, and wait until intake has read it."""
    argv, environment = _command(intake, table)
    done = subprocess.run(argv, env=environment, cwd=table.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    intake.wait(intake.is_idle)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_an_import_that_was_killed_is_completed_once(intake: IntakeProcess, tmp_path: Path) -> None:
    """SIGKILL while events are under way: the next run sends what is not there, the one after it nothing."""
    table = tmp_path / "rows.csv"
    lines = [
        f"{1_700_000_000 + 60 * row},r{row},{row % 7},{row % 2},0,{1_700_003_600 + 60 * row}" for row in range(ROWS)
    ]
    table.write_text("\n".join(["time,request,x,prediction,label,label_time", *lines, ""]), "utf-8")
    argv, environment = _command(intake, table)
    running = subprocess.Popen(
        argv, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + WAIT_SECONDS
    while len(intake.records(TELEMETRY)) < 50 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    n_killed = len(intake.records(TELEMETRY))

    second = _run(intake, table)
    third = _run(intake, table)

    assert n_killed < 2 * ROWS
    assert second["published"] > 0
    assert (third["published"], third["known"]) == (0, 2 * ROWS + 1)
    data = [one for one in intake.events(TIMELINE, MODEL) if isinstance(one, Samples | Labels)]
    assert all(map(is_history, data))
    for type_ in (Samples, Labels):
        requests = [request for one in data if isinstance(one, type_) for request in one.request]
        assert sorted(requests) == sorted(f"r{row}" for row in range(ROWS))
