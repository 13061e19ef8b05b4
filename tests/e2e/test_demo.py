"""`homeostat demo` as a user runs it, small: it ends, says what it found, and derives every output again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EVENTS, STATIONS = 120, 6
CLAIM = {"name", "value", "baseline", "interval", "holds"}
POLICY = {"policy", "accuracy", "retrains", "harmful_promotions", "cost", "net", "time_to_adapt"}


def demo(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run the demo; return its exit code, its report, and what it printed."""
    report = tmp_path / "out" / "report.json"
    command = [sys.executable, "-c", "from homeostat_tools.cli import main; main()", "demo", "--no-stay"]
    command += [
        "--stations",
        str(STATIONS),
        "--events",
        str(EVENTS),
        "--data-dir",
        str(tmp_path / "data"),
        "--json",
        str(report),
        *arguments,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert report.exists(), done.stderr
    return done.returncode, json.loads(report.read_text()), done.stdout


def check(code: int, report: dict[str, Any], printed: str, log: str) -> None:
    """All that must hold of a run of any size; so few events need not show every claim about accuracy."""
    assert report["replayed_equal"] == report["replayed"] > 1000
    assert report["log"] == log
    assert code == (0 if all(claim["holds"] for claim in report["claims"]) else 1)
    assert all(claim.keys() == CLAIM for claim in report["claims"])
    assert all(policy.keys() >= POLICY for policy in report["policies"])
    assert [policy["policy"] for policy in report["policies"]][-1] == "homeostat"
    assert report["events"] > EVENTS * STATIONS
    assert f"{report['replayed']:,} of {report['replayed']:,} outputs derived again" in " ".join(printed.split())


@pytest.mark.kafka
def test_the_demo_ends_on_kafka(tmp_path: Path) -> None:
    """Everything is real: broker, processes, HTTP; no process is left at the end."""
    pytest.importorskip("jgo")

    code, report, printed = demo(tmp_path)

    check(code, report, printed, "kafka")
    assert not (tmp_path / "data" / "stack.json").exists(), "the stack is still up"


def test_the_demo_ends_in_memory(tmp_path: Path) -> None:
    """The same folds and hands without a broker."""
    code, report, printed = demo(tmp_path, "--memory")

    check(code, report, printed, "memory")
