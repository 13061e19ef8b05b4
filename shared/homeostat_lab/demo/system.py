"""What the demo needs of a system: a place to publish, a model server, logs to look at. Live, or in memory."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from prometheus_client.samples import Sample

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.audit.roles import OPERATOR
from homeostat.client import Client
from homeostat.codec import Record
from homeostat.core import Halt
from homeostat.events.logs import REQUESTS
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.reading import read_partition
from homeostat_tools.local_stack.enrolment import ENROLLED
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.series import read_series
from homeostat_tools.local_stack.services import inputs

PARTITIONS: Final = 6
_LAG: Final = "homeostat_lag_records"
_IN_FLIGHT: Final = "homeostat_tasks_in_flight"
_PARTITIONS: Final = "homeostat_partitions"
_SETTLE_SECONDS: Final = 60.0
_EMPTIED: Final = ("kafka", "keys", "artifacts", "audit", "jobs", "thresholds", "logs")
_MARK: Final = "homeostat-demo"
"""File that says that a folder is a demo's."""

_BEHIND: Final = 1 << 30
"""More than anybody waits for."""


class FolderTaken(Halt):
    """The demo would have emptied a folder that is somebody's.

    Operator: name a new folder with `--data-dir`.
    """

    def __init__(self, data_dir: Path, name: str) -> None:
        super().__init__(
            f"the demo empties its folder, and {data_dir} holds {name!r} of something else: name a new one"
        )
        self.data_dir, self.name = data_dir, name


class System(Protocol):
    """A running Homeostat."""

    @property
    def target(self) -> Any:
        """Model server: `apply` and `predict`."""

    @property
    def store(self) -> ArtifactStore:
        """Artifacts."""

    @property
    def n_published(self) -> int:
        """Records written to the doors so far."""

    def publish(self, topic: str, subject: str, data: Any) -> None:
        """Write to a door; requests are signed by the operator.

        Args:
            topic: Ingress topic.
            subject: Key.
            data: Payload.
        """

    def settle(self, max_lag: int, max_tasks: int) -> None:
        """Wait until the services have caught up: back-pressure, as any producer would keep it."""

    def records(self, topic: str) -> list[Record]:
        """Everything that lies in a log."""

    def n_partitions(self, topic: str) -> int:
        """Partitions of a log."""

    def tick(self) -> None:
        """Keep the processes alive, if there are any."""


class LiveSystem:
    """Real Kafka, real processes, real HTTP.

    Args:
        stack: Started.
    """

    def __init__(self, stack: LocalStack) -> None:
        from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget

        self.stack = stack
        self.settings = stack.settings(OPERATOR)
        self.target = EmbeddedTarget(stack.addresses["model-server"], token_file=self.settings.token_file)
        self.store = open_store(self.settings.store_url)
        self._client = Client(settings=self.settings, source="/demo/cameras", key=stack.keys()[1])
        self._cluster = Cluster(self.settings)
        self._cluster.load()
        self._folds = inputs()
        self._n_folded = sum(self._cluster.n_partitions(topic) for topic in self._folds.values())
        self.n_published = 0

    def publish(self, topic: str, subject: str, data: Any) -> None:
        """See `System.publish`."""
        self.n_published += 1
        if topic == REQUESTS:
            self._client.request(data, subject)
        else:
            self._client.publish(topic, subject, data)

    def settle(self, max_lag: int, max_tasks: int) -> None:
        """See `System.settle`; looks at the metrics that the services show, for a minute at most."""
        self._client.flush()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            lag, tasks = self.load()
            if lag <= max_lag and tasks <= max_tasks:
                return
            self.tick()
            time.sleep(0.01)

    def load(self) -> tuple[int, int]:
        """Records not folded yet, and commands under way, over all processes.

        What cannot be seen counts as behind: a silent process, a fold that has not all its partitions yet, a host
        that cannot ask the broker where its logs end.
        """
        samples: list[Sample] = []
        for port in self.stack.ports.values():
            try:
                samples += read_series(port, (_LAG, _IN_FLIGHT, _PARTITIONS), timeout_seconds=2.0)
            except OSError:
                return _BEHIND, 0
        lag, tasks, owned = ([s for s in samples if s.name == name] for name in (_LAG, _IN_FLIGHT, _PARTITIONS))
        folded = sum(sample.value for sample in owned if sample.labels["consumer"] in self._folds)
        is_seen = len(lag) == len(owned) and folded == self._n_folded
        return int(sum(s.value for s in lag)) if is_seen else _BEHIND, int(sum(s.value for s in tasks))

    def records(self, topic: str) -> list[Record]:
        """See `System.records`."""
        topic_id = self._cluster.topic_id(topic)
        return [
            record
            for partition in range(self._cluster.n_partitions(topic))
            for record in read_partition(self.settings, topic, partition, topic_id)
        ]

    def n_partitions(self, topic: str) -> int:
        """See `System.n_partitions`."""
        return self._cluster.n_partitions(topic)

    def tick(self) -> None:
        """See `System.tick`."""
        self.stack.tick()

    def close(self) -> None:
        """Give the connections back; the stack goes on."""
        self._client.close()
        self.target.close()


def _empty(data_dir: Path) -> None:
    """Delete what the last demo has left there; a folder of anything else is not touched."""
    mark = data_dir / _MARK
    is_ours = mark.exists() or (data_dir / "report.json").exists() or data_dir.parts[-2:] == (".homeostat", "demo")
    if not is_ours and (found := [name for name in _EMPTIED if (data_dir / name).exists()]):
        raise FolderTaken(data_dir, found[0])
    mark.touch()
    for name in _EMPTIED:
        shutil.rmtree(data_dir / name, ignore_errors=True)
    for file in ("model-server.json", ENROLLED):
        (data_dir / file).unlink(missing_ok=True)


@contextmanager
def live(data_dir: Path, say: Any, environment: Mapping[str, str] | None = None) -> Iterator[LiveSystem]:
    """Start a fresh stack and wire the demo to it.

    Args:
        data_dir: Of the stack; what an earlier demo left there is removed.
        say: Told what is going on, one line.
        environment: Of its processes, besides ours.

    Raises:
        KafkaUnavailable: There is no broker to be had.
        StackRunning: A stack runs in this folder; nothing of it is touched.
        FolderTaken: The folder holds something that no demo has made.
    """
    stack = LocalStack(
        data_dir,
        bootstrap_servers=os.environ.get("HOMEOSTAT_BOOTSTRAP_SERVERS"),
        partitions=PARTITIONS,
        without=("http-door",),
        environment=dict(environment or {}),
        on_progress=say,
    )
    stack.claim()
    try:
        _empty(stack.data_dir)
    except FolderTaken:
        stack.stop()
        raise
    with running(stack) as system:
        yield system


@contextmanager
def running(stack: LocalStack) -> Iterator[LiveSystem]:
    """Start a stack, and stop it at the end.

    Raises:
        KafkaUnavailable: There is no broker to be had.
    """
    try:
        stack.start()
        system = LiveSystem(stack)
        try:
            yield system
        finally:
            system.close()
    finally:
        stack.stop()


def load_json(record: Record) -> dict[str, Any]:
    """Decode a JSON record, as an eye does."""
    value: dict[str, Any] = json.loads(record.value or b"{}")
    return value
