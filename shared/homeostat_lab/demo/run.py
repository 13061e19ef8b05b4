"""The demo from start to report, wherever it runs."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.admission.salt import NO_SALT
from homeostat.runtime.settings import HostSettings
from homeostat_lab.demo import comparison
from homeostat_lab.demo.memory_loop import folds, in_memory
from homeostat_lab.demo.play import Progress, play
from homeostat_lab.demo.proof import prove
from homeostat_lab.demo.report import claims_of, facts, report_of, result_of
from homeostat_lab.demo.system import System, live
from homeostat_lab.demo.world import World
from homeostat_tools.local_stack.errors import KafkaUnavailable


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is over.

    Args:
        report: As written to the file.
        is_proven: Every claim holds and the replay is equal.
    """

    report: Mapping[str, Any]
    is_proven: bool


@contextmanager
def system_of(data_dir: Path, say: Callable[[str], None], *, in_process: bool) -> Iterator[tuple[System, str]]:
    """Give a system to play on: a real Kafka, or where none can be had the same code on the in-memory log.

    Args:
        data_dir: Of the stack, claimed for as long.
        say: Told what is going on, one line.
        in_process: Ask for no Kafka.
    """
    if not in_process:
        try:
            with live(data_dir, say) as system:
                yield system, "kafka"
                return
        except KafkaUnavailable as unavailable:
            say(f"no Kafka can be had here ({unavailable}); going on with the same folds and hands in memory")
    with in_memory() as system:
        yield system, "memory"


def run(system: System, where: str, world: World, data_dir: Path, show: Callable[[Progress], None]) -> Finished:
    """Play the world on a system, compare, prove.

    Args:
        system: Fresh.
        where: `kafka` or `memory`, for the report.
        world: What happens.
        data_dir: For files beside the report.
        show: Told how far it is.
    """
    started = time.monotonic()
    out = data_dir / "comparison.npz"
    others = comparison.start(world, out)
    try:
        fleet = play(world, system, show)
        known = facts(system)
        own = result_of(fleet, system, known)
        progress = Progress("deriving every decision again from the logs", world.events, world.events, fleet)
        show(progress)
        salt = NO_SALT if where == "memory" else HostSettings(data_dir=data_dir).salt
        replayed = prove(system, folds(salt=salt))
        progress.phase = "waiting for the other policies on the same stream"
        show(progress)
        others.wait()
    finally:
        if others.poll() is None:
            others.kill()
    compared = comparison.load(world, out)
    made = claims_of(fleet, own, known, compared, replayed)
    report = report_of(
        own,
        known,
        compared,
        replayed,
        made,
        n_events=system.n_published,
        seconds=time.monotonic() - started,
        where=where,
    )
    return Finished(report, all(claim.holds for claim in made) and replayed.is_equal)
