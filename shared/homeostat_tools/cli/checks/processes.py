"""The processes of `homeostat up`."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat_tools.cli.checks.check import Check, Context, fail, ok

_OLD_SECONDS: Final = 15.0
"""It is written every second; a broker that is started again holds it up for some."""


def processes(context: Context) -> Iterator[Check]:
    """None has halted or ends again and again."""
    from homeostat.runtime.process import EXIT_HALTED
    from homeostat_tools.local_stack.status_file import read_report

    path = context.data_dir / "processes.json"
    report = read_report(path)
    if report is None:
        return
    age = time.time() - path.stat().st_mtime
    if age > _OLD_SECONDS:
        detail = f"the report {path} is {age:.0f} s old: `homeostat up` runs and cannot write it"
        yield fail("report", detail, f"make room at {context.data_dir}, and see its rights")
    ended = [process for process in report.processes if process.state in ("backoff", "crash_loop")]
    for process in ended:
        log = context.data_dir / "logs" / f"{process.name}.log"
        is_halt = process.last_exit == EXIT_HALTED
        why = "halted, for a person to act" if is_halt else f"ended with {process.last_exit}"
        yield fail(f"process {process.name}", f"{why}: {_last_line(log)}", f"do what it says; all of it: tail {log}")
    if not ended:
        yield ok("processes", f"{len(report.processes)}, none has halted")


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "it has said nothing"
    return next((line for line in reversed(lines) if line.strip()), "it has said nothing")
