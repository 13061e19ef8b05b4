"""What a supervisor tells other shells: one small file, replaced in one piece."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from homeostat_tools.local_stack.process import ProcessStatus


@dataclass(frozen=True, slots=True)
class Report:
    """State of the processes, about a second old at most.

    Args:
        supervisor_pid: Stops everything on SIGTERM.
        processes: In the order of their specifications.
    """

    supervisor_pid: int
    processes: tuple[ProcessStatus, ...]


def write_report(path: Path, processes: Sequence[ProcessStatus]) -> None:
    """Write the report of this process; a reader sees the old one or the new one, never half of one.

    Raises:
        OSError: It cannot be written; the old one stays.
    """
    me = psutil.Process()
    body = {
        "supervisor": {"pid": me.pid, "started": me.create_time()},
        "processes": [asdict(status) for status in processes],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(body, indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()  # on a full disk half a draft would keep its space
        raise


def read_report(path: Path) -> Report | None:
    """Read the report of a supervisor that lives; None when there is none, or it has ended."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        pid: int = body["supervisor"]["pid"]
        process = psutil.Process(pid)
        if process.create_time() != body["supervisor"]["started"]:
            return None  # the number was given to another process since
        if process.status() == psutil.STATUS_ZOMBIE:
            return None  # it has ended, and whoever started it has not asked yet
        return Report(pid, tuple(ProcessStatus(**status) for status in body["processes"]))
    except (FileNotFoundError, NotADirectoryError, psutil.NoSuchProcess):
        return None
    except (ValueError, KeyError, TypeError):
        return None  # not written by a supervisor of this version
