"""Play simulated runs from seeds: `python -m homeostat.testing.simulate counter --seed 17`.

A run that fails is cut short to the steps that it needs, and printed.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeostat.events.logs import TELEMETRY
from homeostat.runtime.assignment import Assignment
from homeostat.testing.counter import Counter
from homeostat.testing.grower import Grower
from homeostat.testing.signals import signals
from homeostat.testing.simulator import Outcome, Simulator
from homeostat.testing.traces import Step, plan, shrink
from homeostat.testing.trial import MakeFold

N_SIGNALS: Final = 60
_SEED_BITS: Final = 40


FOLDS: Final[dict[str, MakeFold]] = {
    "counter": Counter,
    "grower": Grower,
    "door": lambda: Counter(log=TELEMETRY, is_door=True),
}
"""By the name that the command takes; a door may be deleted and made again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that was not exact.

    Args:
        fold: Name of the fold.
        seed: Of the input, and of the plan that was cut short.
        steps: What is left of it.
        error: What was raised, or said by a process that stopped, if anything.
    """

    fold: str
    seed: int
    steps: Sequence[Step]
    error: str

    def __str__(self) -> str:
        trace = "".join(f"\n  {number}. {step}" for number, step in enumerate(self.steps, 1))
        how = self.error or "what readers see is not the fold of the input"
        return f"seed {self.seed} of {self.fold}: {how}{trace}\nagain: {reproduce(self.fold, self.seed, 1)}"


def reproduce(fold: str, seed: int, n: int) -> str:
    """Return the command that plays these seeds.

    Args:
        fold: `counter` or `grower`.
        seed: The first.
        n: How many.
    """
    return f"python -m homeostat.testing.simulate {fold} --seed {seed} -n {n}"


def fresh_seed() -> int:
    """Return a seed that nobody has played."""
    return secrets.randbits(_SEED_BITS)


def play(
    fold: str, seed: int, assignment: type[Assignment[Any]] = Assignment, steps: Sequence[Step] | None = None
) -> Outcome:
    """Play the run of a seed, or other steps on its input.

    Args:
        fold: `counter` or `grower`.
        seed: Of input and steps.
        assignment: The algorithm, or one with a hole.
        steps: Instead of those of the seed.
    """
    make = FOLDS[fold]
    planned = plan(seed, recreates=make().is_door) if steps is None else steps
    return Simulator(make, signals(make().log, N_SIGNALS, seed), planned, assignment).run()


def failure_of(fold: str, seed: int, assignment: type[Assignment[Any]] = Assignment) -> Failure | None:
    """Play a seed; None if it went well, else the shortest trace that fails in the same way.

    Args:
        fold: `counter` or `grower`.
        seed: Of input and steps.
        assignment: The algorithm, or one with a hole.
    """

    def fails(steps: list[Step]) -> bool:
        return _error(fold, seed, assignment, steps) is not None

    steps = plan(seed, recreates=FOLDS[fold]().is_door)
    if not fails(steps):
        return None
    short = shrink(steps, fails)
    return Failure(fold, seed, short, _error(fold, seed, assignment, short) or "")


def _error(fold: str, seed: int, assignment: type[Assignment[Any]], steps: Sequence[Step]) -> str | None:
    """What a run raises, or a process of it says that stops; nothing if it is only not exact, None if it is exact."""
    try:
        outcome = play(fold, seed, assignment, steps)
        return None if outcome.is_exact else outcome.halt
    except Exception as error:
        return repr(error)


def play_fresh(
    fold: str, first: int, seconds: float, assignment: type[Assignment[Any]] = Assignment
) -> tuple[int, Failure | None]:
    """Play seeds from one on until some time is over, or one fails; return how many were played.

    Args:
        fold: `counter` or `grower`.
        first: Seed.
        seconds: After which no further seed is begun.
        assignment: The algorithm, or one with a hole.
    """
    deadline, n = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        failure = failure_of(fold, first + n, assignment)
        n += 1
        if failure is not None:
            return n, failure
    return n, None


def main(argv: Sequence[str] | None = None) -> int:
    """Play; exits 1 behind the first run that fails."""
    parser = argparse.ArgumentParser(description="Play simulated runs of a fold under faults.")
    parser.add_argument("fold", choices=sorted(FOLDS))
    parser.add_argument("--seed", type=int, default=None, help="the first; a fresh one if none is given")
    parser.add_argument("-n", type=int, default=1000, help="how many")
    wanted = parser.parse_args(argv)
    first = fresh_seed() if wanted.seed is None else wanted.seed
    for seed in range(first, first + wanted.n):
        if (failure := failure_of(wanted.fold, seed)) is not None:
            sys.stdout.write(f"{failure}\n")
            return 1
    sys.stdout.write(f"{wanted.n} seeds of {wanted.fold} from {first}: all exact\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
