"""The ground a benchmark runs on: an embedded broker of its own in a temporary folder, topics, processes."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from homeostat.codec import Output
from homeostat.events.logs import QUARANTINE, Log, by_name, snapshot_log
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack import Broker, TopicSpec, ensure_topics

PARTITIONS: Final = 4
_END_SECONDS: Final = 10.0
_TAIL: Final = 500


@dataclass(slots=True)
class Ground:
    """A broker and what runs on it.

    Args:
        folder: For everything that is written.
        settings: Of hosts; snapshots as by default.
    """

    folder: Path
    settings: HostSettings
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def create(self, folds: Iterable[tuple[str, str]], *logs: str) -> Cluster:
        """Create the named logs, the logs of folds and their snapshots, and the quarantine.

        Args:
            folds: Name of each fold and the topic it reads.
            logs: Further topics; any name.

        Returns:
            Metadata of all topics.
        """
        wanted: dict[str, TopicSpec] = {}
        for name in (QUARANTINE, *logs):
            wanted[name] = _spec(_log(name))
        for fold, log in folds:
            wanted[log] = _spec(_log(log))
            snapshots = snapshot_log(fold, _log(log))
            wanted[snapshots.name] = _spec(snapshots)
        ensure_topics(self.settings.bootstrap_servers, wanted.values())
        cluster = Cluster(self.settings)
        cluster.load()
        return cluster

    def publish(self, outputs: Iterable[Output]) -> int:
        """Write records and return when all are acknowledged; return their number."""
        outbox, n = KafkaOutbox(self.settings, "bench"), 0
        for output in outputs:
            outbox.send(output)
            n += 1
        outbox.flush()
        return n

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start Python with the settings, and variables, in its environment; it is ended with the ground."""
        environment = os.environ | {
            "HOMEOSTAT_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "HOMEOSTAT_DATA_DIR": str(self.folder / "data"),
            **variables,
        }
        with (self.folder / "processes.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._children.append(child)
        return child

    def last_words(self) -> str:
        """Say how the processes that ended by themselves did it, with the end of their log; empty if there are none."""
        ended = [str(child.returncode) for child in self._children if child.poll() not in (None, 0)]
        log = self.folder / "processes.log"
        tail = log.read_text(errors="replace")[-_TAIL:] if log.exists() else ""
        return f"; exit codes {', '.join(ended)}; the log ends: {tail}" if ended else ""

    def end(self, children: Sequence[subprocess.Popen[bytes]] | None = None) -> None:
        """End processes, all by default."""
        children = self._children if children is None else children
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in children:
            try:
                child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def ground(on_progress: Callable[[str], None]) -> Iterator[Ground]:
    """Start a broker in a temporary folder; nothing is left of it afterwards.

    Raises:
        KafkaUnavailable: No Kafka can be had.
    """
    with (
        tempfile.TemporaryDirectory(prefix="homeostat-bench-") as folder,
        Broker(Path(folder), on_progress=on_progress) as broker,
    ):
        settings = HostSettings(bootstrap_servers=broker.bootstrap_servers, data_dir=Path(folder) / "data")
        made = Ground(Path(folder), settings)
        try:
            yield made
        finally:
            made.end()


def _log(name: str) -> Log:
    try:
        return by_name(name)
    except KeyError:
        return Log(name, "log", "", "made for a benchmark")


def _spec(log: Log) -> TopicSpec:
    return TopicSpec(log.name, log.partitions or PARTITIONS, log.config())
