"""Two counter stages on a real broker, in processes of their own that may be killed, stopped and woken."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from types import TracebackType
from typing import Final, Literal, Self

from homeostat.codec import Output, Record
from homeostat.events.logs import LOGS, QUARANTINE, SNAPSHOTS, Log
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat.testing.counter import Counter
from homeostat.testing.exactness import Exactness, exactness
from homeostat.testing.signals import signal as made_up
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

Stage = Literal["one", "two"]
PARTITIONS: Final = 3
N_SUBJECTS: Final = 40
REFUSED_EVERY: Final = 50
"""One event in so many is refused."""

_SNAPSHOT_SECONDS: Final = 0.3
_LOOK_SECONDS: Final = 0.1


class Stages:
    """A pipeline of two stages on topics of its own: in, mid, out. A context manager: leaving it ends every process.

    Args:
        bootstrap_servers: Of the broker.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self.settings = HostSettings(bootstrap_servers=bootstrap_servers, snapshot_interval_seconds=_SNAPSHOT_SECONDS)
        tag = secrets.token_hex(4)
        self.logs = {role: f"homeostat.test-{role}-{tag}" for role in ("in", "mid", "out")}
        self.names: dict[Stage, str] = {"one": f"one-{tag}", "two": f"two-{tag}"}
        self._ways: dict[Stage, tuple[str, str]] = {
            "one": (self.logs["in"], self.logs["mid"]),
            "two": (self.logs["mid"], self.logs["out"]),
        }
        self._create_topics()
        self._cluster = Cluster(self.settings)
        self._cluster.load()
        self._outbox = KafkaOutbox(self.settings, "made-up")
        self._processes: list[subprocess.Popen[bytes]] = []
        self.n_published = 0

    def _create_topics(self) -> None:
        wanted = [
            TopicSpec(name, PARTITIONS, {"message.timestamp.type": "LogAppendTime"}) for name in self.logs.values()
        ]
        for stage in self.names.values():
            log = Log(SNAPSHOTS + stage, "snapshots", "", "")
            wanted.append(TopicSpec(log.name, PARTITIONS, log.config() | {"segment.ms": "2000"}))
        quarantine = next(log for log in LOGS if log.name == QUARANTINE)
        wanted.append(TopicSpec(QUARANTINE, PARTITIONS, quarantine.config()))
        ensure_topics(self.settings.bootstrap_servers, wanted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def start(self, stage: Stage) -> "subprocess.Popen[bytes]":
        """Start one more process of a stage."""
        environment = os.environ | {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "HOMEOSTAT_SNAPSHOT_INTERVAL_SECONDS": str(_SNAPSHOT_SECONDS),
        }
        argv = [sys.executable, "-m", "homeostat.testing.counter_stage", self.names[stage], *self._ways[stage]]
        process = subprocess.Popen(argv, env=environment)
        self._processes.append(process)
        return process

    def publish(self, n: int) -> None:
        """Write `n` more events to the first log; returns when they are acknowledged."""
        log = self.logs["in"]
        for i in range(self.n_published, self.n_published + n):
            value = -1.0 if i % REFUSED_EVERY == 0 else float(i)
            subject = f"team/m{i % N_SUBJECTS}"
            line = made_up(log, subject, value, i, source=f"/made-up/{i % PARTITIONS}")
            self._outbox.send(Output(log, i % PARTITIONS, line.key, line.value, line.headers))
        self._outbox.flush()
        self.n_published += n

    @property
    def n_expected(self) -> int:
        """Records that lie in `mid`, and in `out`, once each, when all that was published is folded."""
        return 2 * (self.n_published - -(-self.n_published // REFUSED_EVERY))

    def count(self, role: str) -> int:
        """Records of a log, repeats included; 0 while the broker is away."""
        log = self.logs[role]
        return sum(self._cluster.ends([(log, partition) for partition in range(PARTITIONS)]).values())

    def records(self, log: str) -> Iterator[Record]:
        """Everything in a log, partition by partition."""
        for partition in range(self._cluster.n_partitions(log)):
            yield from read_partition(self.settings, log, partition, self._cluster.topic_id(log))

    def _n_identities(self, role: str) -> int:
        headers = (dict(record.headers) for record in self.records(self.logs[role]))
        return len({(h["ce_source"], h["ce_id"]) for h in headers})

    def settle(self, seconds: float) -> None:
        """Wait until both stages have folded all there is.

        Raises:
            TimeoutError: They have not; says how far they are.
        """
        for role in ("mid", "out"):
            wait_until(lambda role=role: self.count(role) >= self.n_expected, seconds)  # type: ignore[misc]
            wait_until(lambda role=role: self._n_identities(role) >= self.n_expected, seconds)  # type: ignore[misc]

    def exactness(self) -> Exactness:
        """Compare both stages' logs with in-memory folds of their input logs."""
        folds = [Counter(name=self.names[stage], log=log, out=out) for stage, (log, out) in self._ways.items()]
        ours = tuple(f"/homeostat/{name}/".encode() for name in self.names.values())

        def outputs() -> Iterator[Record]:
            for record in chain.from_iterable(map(self.records, (self.logs["mid"], self.logs["out"], QUARANTINE))):
                if dict(record.headers)["ce_source"].startswith(ours):
                    yield record

        return exactness(folds, self.records, self._cluster.n_partitions, outputs)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Look again and again until a condition holds.

    Raises:
        TimeoutError: It does not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds:.0f} s")
        time.sleep(_LOOK_SECONDS)
