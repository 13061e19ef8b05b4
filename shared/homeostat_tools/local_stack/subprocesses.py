"""Child processes that end with their parent and ignore the terminal's Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

MAX_LOG_BYTES: Final = 16 * 1024 * 1024
"""A log beyond this is set aside as `.1` at the next start."""

_PDEATHSIG: Final = Path(__file__).with_name("pdeathsig.py")


class Child(subprocess.Popen[bytes]):
    """A process that `spawn` started. It leads a session: `kill` reaches what it started, too."""

    def kill(self) -> None:
        """Send SIGKILL to the whole group; nothing happens when it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def spawn(argv: Sequence[str], env: Mapping[str, str], log: Path, folder: Path | None = None) -> Child:
    """Start a process in a session of its own, its output appended to `log`.

    On Linux the child gets SIGTERM when the *thread* that called this ends: call it from a thread that lives as long
    as the child should, such as the main thread. Elsewhere an abrupt end of the parent leaves the child running.

    Args:
        argv: Program (looked up on `PATH`) and arguments.
        env: Added to this process' environment.
        log: File; its folder is made, and a log over 16 MiB is set aside first.
        folder: Working directory; None: this process' own.

    Returns:
        The running process. A program that cannot be executed shows as exit status 127 and a line in the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    # -I -S: it needs the standard library only, and starts in 10 ms
    with_parent = [sys.executable, "-I", "-S", str(_PDEATHSIG), str(os.getpid()), *argv]
    with log.open("ab") as output:
        return Child(
            with_parent,
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def log_tail(log: Path, n_lines: int = 15) -> str:
    """Return the last lines of a log; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-n_lines:])
