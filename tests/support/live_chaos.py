"""The real services on a stack of their own, looking after cameras while their processes die, freeze and wake."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.support.two_stage import wait_until

from homeostat.codec import Record
from homeostat.events import BudgetSet, RulesSet
from homeostat.events.logs import AUDIT, GOVERNANCE_KEY, LOGS, REQUESTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.settings import HostSettings
from homeostat.serving import Deployment
from homeostat.testing.exactness import Exactness, exactness
from homeostat_lab.demo.fleet import VERSION, Fleet
from homeostat_lab.demo.memory_loop import folds
from homeostat_lab.demo.play import PRICE, encode
from homeostat_lab.demo.system import LiveSystem, running
from homeostat_lab.demo.world import World
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.ports import pick_port
from homeostat_tools.local_stack.series import read_series

OUTPUTS: Final = tuple(log.name for log in LOGS if log.kind == "log" and log.name != AUDIT)
PATIENCE_SECONDS: Final = 120.0
_SNAPSHOT_SECONDS: Final = "0.5"
_STEP_SECONDS: Final = 0.05
_LAG: Final = 40
"""Records that the services may be behind while the cameras go on."""


class Ordeal:
    """A running system, and what may be done to it.

    Args:
        system: Started, without the trainer.
    """

    def __init__(self, system: LiveSystem) -> None:
        self.system, self.stack = system, system.stack
        self._cluster = Cluster(system.settings)
        self.fleet: Fleet | None = None

    def install(self, world: World) -> None:
        """Register the cameras of a world, and set rules for a fast one."""
        self.fleet = Fleet(world, self.system.target, self.system.publish)
        rules = RulesSet(cooldown_ms=0, max_actions=1000, max_in_flight=200, training_slots=8, max_rollouts_ratio=1.0)
        self.system.publish(REQUESTS, GOVERNANCE_KEY, rules)
        self.system.publish(
            REQUESTS, GOVERNANCE_KEY, BudgetSet(scope=GOVERNANCE_KEY, money=100.0, period_ms=86_400_000)
        )
        for model, digest in self.fleet.install(self.system.store, encode, PRICE).items():
            installed = Deployment(source="/ordeal", sequence="0", champion=VERSION, artifacts={VERSION: digest})
            self.system.target.apply(model, installed)
        self.system.settle(0, 0)

    def play(self, index: int, *, is_paced: bool = True) -> None:
        """Let every camera have its `index`-th event.

        Args:
            index: Of the world.
            is_paced: Wait until the services are not far behind; not while one of them is stopped.
        """
        assert self.fleet is not None
        for station in range(self.fleet.world.stations):
            self.fleet.play(self.fleet.world.event(station, index))
        self.stack.tick()
        if is_paced:
            self.system.settle(_LAG, 4)

    def pid(self, name: str) -> int | None:
        """Process id of a supervised process; None while it does not run."""
        return next(status.pid for status in self.stack.status() if status.name == name)

    def kill(self, name: str) -> None:
        """End a process as a crash would (SIGKILL); the supervisor starts it again."""
        if (pid := self.pid(name)) is not None:
            os.kill(pid, signal.SIGKILL)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a process in mid-work (SIGSTOP), and wake it at the end."""
        pid = self.pid(name)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def another(self, service: str) -> Iterator[int]:
        """Run one more process of a service, which takes over some of the partitions; give its metrics port.

        It stops gracefully at the end.
        """
        port = pick_port((), tuple(self.stack.ports.values()))
        environment = os.environ | self.stack.environment | {"HOMEOSTAT_METRICS_PORT": str(port)}
        argv = [sys.executable, "-m", "homeostat.runtime.process", service]
        log = self.stack.data_dir / "logs" / f"another-{service}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(argv, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self.stack.ports[f"another-{service}"] = port
        try:
            yield port
        finally:
            del self.stack.ports[f"another-{service}"]
            process.terminate()
            try:
                process.wait(timeout=60.0)
            finally:
                process.kill()
                process.wait()

    def metric(self, port: int, name: str, **labels: str) -> float:
        """Sum of the samples of a metric that have these labels; 0 while the process does not answer."""
        try:
            samples = read_series(port, (name,), timeout_seconds=30.0)
        except OSError:
            return 0.0
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def await_partitions(self, port: int, log: str, n: int) -> None:
        """Wait until a process owns `n` partitions of a log, or more.

        Raises:
            TimeoutError: It does not.
        """
        wait_until(lambda: self.metric(port, "homeostat_partitions", log=log) >= n, PATIENCE_SECONDS)

    def settle(self) -> None:
        """Wait until nobody has anything to do: nothing was written anywhere while everybody was idle.

        Raises:
            TimeoutError: They go on and on.
        """
        deadline, before = time.monotonic() + PATIENCE_SECONDS, -1
        while True:
            self.system.settle(0, 0)
            written = self.n_written()
            if written == before and self.system.load() == (0, 0):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not idle after {PATIENCE_SECONDS:.0f} s: lag and tasks are {self.system.load()}")
            before = written
            time.sleep(_STEP_SECONDS)

    def n_written(self) -> int:
        """Records in all logs but the audit log."""
        logs = [log.name for log in LOGS if log.name != AUDIT]
        return sum(
            self._cluster.ends([(log, p) for log in logs for p in range(self.system.n_partitions(log))]).values()
        )

    def exactness(self) -> Exactness:
        """Compare what every fold has published with in-memory folds of the recorded input logs."""

        def outputs() -> Iterator[Record]:
            for topic in OUTPUTS:
                yield from self.system.records(topic)

        return exactness(
            folds(salt=HostSettings(data_dir=self.stack.data_dir).salt),
            self.system.records,
            self.system.n_partitions,
            outputs,
        )


@contextmanager
def ordeal(data_dir: Path, partitions: int = 3) -> Iterator[Ordeal]:
    """Start everything but the trainer on a broker of its own; stop it at the end.

    Raises:
        KafkaUnavailable: There is no broker to be had.
    """
    stack = LocalStack(
        data_dir,
        partitions=partitions,
        without=("trainer",),
        environment={"HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": _SNAPSHOT_SECONDS},
    )
    with ExitStack() as opened:
        yield Ordeal(opened.enter_context(running(stack)))
