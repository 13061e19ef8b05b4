"""How much memory each learning part takes: the most that its process had, and the state that outlives it.

Each part works in a process of its own: memory that another has freed would be used again, and not be counted.
"""

import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from homeostat.codec import encode_state
from homeostat_lab.bench.row import Row, row

_STATUS: Final = Path("/proc/self/status")
_IDLE: Final = "numpy, events and codec imported, nothing done"


def memory(n_decisions: int) -> Iterator[Row]:
    """Measure the parts at the work that the other benchmarks time.

    Args:
        n_decisions: Of the meta-learner.
    """
    idle, _ = alone("nothing", 0)
    for part, name in (
        ("detector", "drift_detector, one model, 8 features, every row labelled"),
        ("decisions", f"meta_learner, one family, 100 models, {n_decisions} decisions"),
        ("tasks", "MAML, second order, 5 shots, stacked, 100 tasks a step"),
    ):
        peak, state = alone(part, n_decisions)
        yield row(f"{name}: peak memory", "MB", [peak / 1e6], reference=_IDLE, references=[idle / 1e6])
        if state:
            yield row(f"{name}: encoded state", "bytes", [float(state)])


def alone(part: str, n_decisions: int) -> tuple[int, int]:
    """Do `of_part` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(of_part, part, n_decisions).result()


def of_part(part: str, n_decisions: int) -> tuple[int, int]:
    """Work in this process; return its peak in bytes and the bytes of the encoded state, 0 of what keeps none."""
    state = 0
    if part == "detector":
        from homeostat_lab.bench.learning_detector import fed

        state = sum(len(encode_state(each)) for each in fed().states.values())
    elif part == "decisions":
        from homeostat_lab.bench.learning_decisions import taught

        state = sum(len(encode_state(each)) for each in taught(n_decisions).states.values())
    elif part == "tasks":
        from homeostat_lab.bench.meta_training_speed import sinusoid_problem, sinusoids, tasks_per_second

        tasks_per_second("stacked", sinusoid_problem("maml"), sinusoids(100, 5), seconds=0.2)
    return peak_bytes(), state


def peak_bytes() -> int:
    """Return the most resident memory that this process has had.

    Linux tells that of the program alone; the portable number would begin with what the parent had.
    """
    if _STATUS.exists():
        found = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(found.split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
