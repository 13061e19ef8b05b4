"""MAML tasks per second against a plain Python loop, in one run, on one thread."""

from collections.abc import Iterator
from typing import Final

from homeostat.services.maml_trainer.meta.algorithms import Algorithm
from homeostat.services.maml_trainer.meta.engines import compiler_at_hand
from homeostat_lab.bench.meta_training_speed import N_WARM_UP, Way, sinusoid_problem, sinusoids, tasks_per_second
from homeostat_lab.bench.row import Row, missing, row

_LOOP: Final = "Python loop over tasks, torch.autograd"
_TASKS_PER_STEP: Final = 100
_LOOP_TASKS: Final = 25
_EXCLUDED: Final = f"the first {N_WARM_UP} steps, of both (compiling); the loop has {_LOOP_TASKS} tasks a step"
_ORDERS: Final[tuple[tuple[str, Algorithm], ...]] = (("second order", "maml"), ("first order", "fomaml"))
_WAYS: Final[tuple[Way, ...]] = ("compiled", "stacked", "functional")


def maml(*, runs: int, seconds: float = 2.0) -> Iterator[Row]:
    """Measure each engine on sine waves, network 1-40-40-1, one inner step.

    Args:
        runs: Of each figure; loop and engine alternate, so that a busy neighbour meets both.
        seconds: Of each run.
    """
    for shots in (5, 10):
        batch, few = sinusoids(_TASKS_PER_STEP, shots), sinusoids(_LOOP_TASKS, shots)
        for order, algorithm in _ORDERS:
            problem = sinusoid_problem(algorithm)
            for way in _WAYS:
                name = f"MAML, {order}, {shots} shots, {way}, {_TASKS_PER_STEP} tasks a step"
                if way == "compiled" and not compiler_at_hand():
                    yield missing(name, "tasks/s", "no C++ compiler")
                    continue
                rates, loops = [], []
                for _ in range(runs):
                    loops.append(tasks_per_second("loop", problem, few, seconds=seconds))
                    rates.append(tasks_per_second(way, problem, batch, seconds=seconds))
                yield row(name, "tasks/s", rates, reference=_LOOP, references=loops, excluded=_EXCLUDED)
    closed, batch = sinusoid_problem("bayesian_last_layer"), sinusoids(_TASKS_PER_STEP, 5)
    rates = [tasks_per_second("stacked", closed, batch, seconds=seconds) for _ in range(runs)]
    name = f"Bayesian last layer, 5 shots, stacked, {_TASKS_PER_STEP} tasks a step"
    yield row(name, "tasks/s", rates, excluded=f"the first {N_WARM_UP} steps")
