"""The file that tells other shells what runs."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from homeostat_tools.local_stack.process import ProcessStatus
from homeostat_tools.local_stack.status_file import Report, read_report, write_report

STATUS = ProcessStatus("intake", 17, "running", 2, 1.5, -9)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """A report survives the way through the file, and leaves no draft behind."""
    path = tmp_path / "processes.json"

    write_report(path, [STATUS])
    report = read_report(path)

    assert isinstance(report, Report)
    assert report.processes == (STATUS,)
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_means_no_report(tmp_path: Path) -> None:
    """Before the first start there is nothing to read."""
    assert read_report(tmp_path / "processes.json") is None


def test_the_report_of_a_dead_supervisor_is_none(tmp_path: Path) -> None:
    """What a supervisor said before it ended says nothing about now."""
    path = tmp_path / "processes.json"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_report(path, [STATUS])
    body = json.loads(path.read_text())

    body["supervisor"]["pid"] = gone.pid
    path.write_text(json.dumps(body))

    assert read_report(path) is None


def test_a_supervisor_that_nobody_has_asked_is_over(tmp_path: Path) -> None:
    """A process that has ended, and whose parent has not waited for it, runs nothing."""
    path = tmp_path / "processes.json"
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process = psutil.Process(ended.pid)
    write_report(path, [STATUS])
    body = json.loads(path.read_text())
    body["supervisor"] = {"pid": ended.pid, "started": process.create_time()}
    path.write_text(json.dumps(body))
    assert ended.stdout is not None
    ended.stdout.read()  # until it ends
    while process.status() != psutil.STATUS_ZOMBIE:
        pass

    assert read_report(path) is None
    ended.wait()
    ended.stdout.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"supervisor": 3}', '{"supervisor": {"pid": "x"}}'])
def test_a_file_of_somebody_else_is_no_report(tmp_path: Path, text: str) -> None:
    """Whatever stands there."""
    path = tmp_path / "processes.json"
    path.write_text(text)

    assert read_report(path) is None


def test_a_reused_process_id_is_not_the_supervisor(tmp_path: Path) -> None:
    """A process that has the same number but another start is somebody else."""
    path = tmp_path / "processes.json"
    write_report(path, [STATUS])
    body = json.loads(path.read_text())

    body["supervisor"]["started"] -= 60.0
    path.write_text(json.dumps(body))

    assert read_report(path) is None
