"""The long forms of tests/integration: many events, kills, zombies, a broker that is killed; run by `make soak`."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.live_chaos import Ordeal, ordeal
from tests.support.two_stage import REFUSED_EVERY, Stage, Stages, wait_until

from homeostat.events import ActionSettled
from homeostat.events.logs import GOVERNANCE, TIMELINE
from homeostat_lab.demo.memory_loop import folds
from homeostat_lab.demo.play import payloads
from homeostat_lab.demo.proof import prove
from homeostat_lab.demo.world import World
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
PATIENCE_SECONDS = 180.0

N_EVENTS = 24_000
N_KILLS = 20
N_ZOMBIES = 4
N_BROKER_KILLS = 3

N_RESTARTS = 6
N_FLOWING = 300
MUTATION_SECONDS = 120

STATIONS, FIRST, ROUNDS = 24, 40, 200
SERVICES = ("intake", "detector", "deciders", "law", "hands", "auditor")
KILL_SECONDS = 4.0
"""Between two kills, at least."""

ZOMBIE_SECONDS = 8.0
"""Longer than the session: its partitions have been given up when it wakes."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of our own, to be killed."""
    own = Broker(tmp_path)
    try:
        own.start()
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    yield own
    own.stop()


class Fates:
    """Processes of both stages, two each, and what happens to them.

    Args:
        stages: The pipeline.
        chance: Seeded.
    """

    def __init__(self, stages: Stages, chance: random.Random) -> None:
        self._stages, self._chance = stages, chance
        self._alive: dict[Stage, list[subprocess.Popen[bytes]]] = {
            stage: [stages.start(stage), stages.start(stage)] for stage in ("one", "two")
        }
        self._sleeping: list[tuple[float, subprocess.Popen[bytes]]] = []
        self.n_kills = self.n_zombies = 0

    def kill(self) -> None:
        """End a process as a crash would, and start another one."""
        stage = self._any_stage()
        victim = self._alive[stage].pop(0)  # the oldest: it owns something
        victim.kill()
        victim.wait()
        self._alive[stage].append(self._stages.start(stage))
        self.n_kills += 1

    def stop(self) -> None:
        """Stop a process in mid-work; `wake` sets it going again when its time has come."""
        stage = self._any_stage()
        victim = self._alive[stage].pop(0)
        victim.send_signal(signal.SIGSTOP)
        self._sleeping.append((time.monotonic() + ZOMBIE_SECONDS, victim))
        self._alive[stage].append(self._stages.start(stage))
        self.n_zombies += 1

    def wake(self, *, everybody: bool = False) -> None:
        """Wake the zombies that were given up long ago; they stay, as one more member of their group, or end."""
        for until, zombie in list(self._sleeping):
            if everybody or time.monotonic() >= until:
                self._sleeping.remove((until, zombie))
                zombie.send_signal(signal.SIGCONT)

    def revive(self) -> None:
        """Start another process for each that has ended by itself: without a broker one may."""
        for stage, processes in self._alive.items():
            for process in [p for p in processes if p.poll() is not None]:
                processes.remove(process)
                processes.append(self._stages.start(stage))

    def _any_stage(self) -> Stage:
        return "one" if self._chance.random() < 0.5 else "two"


def test_two_stages_survive_everything(broker: Broker, say: Callable[[str], None]) -> None:
    """24,000 events, 20 kills, zombies, three kills of the broker: 0 lost, 0 doubled."""
    started, chance = time.monotonic(), random.Random(0)
    n_batches = N_KILLS + N_ZOMBIES + N_BROKER_KILLS
    fates = ["kill"] * N_KILLS + ["stop"] * N_ZOMBIES + ["broker"] * N_BROKER_KILLS
    chance.shuffle(fates)
    with Stages(broker.bootstrap_servers) as stages:
        processes = Fates(stages, chance)
        for fate in fates:
            before = stages.count("out")  # something must be in flow: a fate that meets idle processes shows nothing
            stages.publish(N_EVENTS // n_batches)
            wait_until(lambda before=before: stages.count("out") > before, PATIENCE_SECONDS)  # type: ignore[misc]
            if fate == "kill":
                processes.kill()
            elif fate == "stop":
                processes.stop()
            else:
                broker.kill()
                broker.start()
            processes.wake()
            processes.revive()
        stages.publish(N_EVENTS % n_batches)
        processes.wake(everybody=True)
        processes.revive()
        stages.settle(PATIENCE_SECONDS)
        found = stages.exactness()

    say(
        f"stages: {stages.n_published:,} events, {processes.n_kills} kills, {processes.n_zombies} zombies, "
        f"{N_BROKER_KILLS} broker kills in {time.monotonic() - started:.0f} s: {found}"
    )
    assert found.is_exact, found
    assert stages.n_published == N_EVENTS
    assert found.n_outputs == 2 * stages.n_expected + -(-N_EVENTS // REFUSED_EVERY)


def test_two_generations_of_owners_stopped_and_resumed_then_a_restart(
    broker: Broker, say: Callable[[str], None]
) -> None:
    """Owners are stopped past their session, so are those that took over; all wake, and die at once."""
    started = time.monotonic()
    with Stages(broker.bootstrap_servers) as stages:

        def flow() -> None:
            """Let events through both stages: whoever has been given up has been replaced then."""
            before = stages.count("out")
            stages.publish(N_FLOWING)
            wait_until(lambda: stages.count("out") > before, PATIENCE_SECONDS)

        for _ in range(N_RESTARTS):
            everybody = owners = [stages.start("one"), stages.start("two")]
            flow()
            for _ in range(2):
                for owner in owners:
                    owner.send_signal(signal.SIGSTOP)
                owners = [stages.start("one"), stages.start("two")]
                everybody = everybody + owners
                flow()
            for process in everybody:
                process.send_signal(signal.SIGCONT)
            flow()
            for process in everybody:
                process.kill()
                process.wait()
        for stage in ("one", "two"):
            stages.start(stage)
        stages.settle(PATIENCE_SECONDS)
        found = stages.exactness()

    say(
        f"generations: {stages.n_published:,} events, {N_RESTARTS} restarts, each after two generations of owners that "
        f"were stopped and resumed, in {time.monotonic() - started:.0f} s: {found}"
    )
    assert found.is_exact, found


def test_mutated_records_end_no_door(say: Callable[[str], None]) -> None:
    """Two minutes of good records of every format, cut, flipped and grown, under limits of time and memory."""
    argv = [sys.executable, "-m", "tests.support.mutations", "--seconds", str(MUTATION_SECONDS)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)

    say(f"mutations: {done.stdout.rpartition(chr(13))[2].splitlines()[0]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_survive_everything(tmp_path: Path, say: Callable[[str], None]) -> None:
    """24 cameras x 200 events, a kill every few seconds, zombies, a killed broker: 0 lost, 0 doubled."""
    started, chance = time.monotonic(), random.Random(0)
    try:
        with ordeal(tmp_path) as running:
            n_kills, n_zombies = _play(running, chance)
            running.settle()
            found, report = running.exactness(), prove(running.system, folds())
            n_actions = len(payloads(running.system, GOVERNANCE, ActionSettled.TYPE))
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")

    say(
        f"services: {STATIONS} cameras x {ROUNDS} events, {n_kills} kills, {n_zombies} zombies, 1 broker kill, "
        f"{n_actions} actions settled in {time.monotonic() - started:.0f} s: {found}"
    )
    assert found.is_exact, found
    assert (report.differences, report.n_equal) == ((), found.n_outputs)
    assert n_kills >= N_KILLS
    assert n_actions > 0


def _play(running: Ordeal, chance: random.Random) -> tuple[int, int]:
    """Play everything, with a fate now and then; return the numbers of kills and zombies."""
    running.install(World(0, STATIONS, FIRST + ROUNDS))
    n_kills = n_zombies = 0
    next_kill = time.monotonic() + KILL_SECONDS
    for number in range(ROUNDS):
        is_paced = number % 4 == 3
        if number in (ROUNDS // 4, 3 * ROUNDS // 4):
            with running.another("drift_detector") as port, running.frozen("detector"):
                for _ in range(2):
                    running.play(FIRST + number, is_paced=False)
                running.await_partitions(port, TIMELINE, running.system.n_partitions(TIMELINE))
            n_zombies += 1
        elif number == ROUNDS // 2:
            broker = running.stack.broker
            assert broker is not None
            broker.kill()
            broker.start()
        running.play(FIRST + number, is_paced=is_paced)
        if time.monotonic() >= next_kill or (ROUNDS - number) <= N_KILLS - n_kills:
            running.kill(chance.choice(SERVICES))
            n_kills += 1
            next_kill = time.monotonic() + KILL_SECONDS
    return n_kills, n_zombies
