"""Tie this process to its parent, then become the given program: `pdeathsig.py PARENT_PID PROGRAM [ARGUMENT …]`.

A program of its own, because code between fork and exec (`preexec_fn`) can deadlock in a parent with threads, and
every Kafka client has threads. The process id stays the same: exec replaces the program, and the tie survives it.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""

NOT_EXECUTABLE: Final = 127
"""Exit status of a shell for a program it cannot run."""


def main(argv: list[str]) -> int:
    """Tie and exec; returns only when that is not possible."""
    parent, program = int(argv[0]), argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 0  # it died before the tie held
    try:
        os.execvp(program[0], program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"cannot run {program[0]}: {error}\n")
        return NOT_EXECUTABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
