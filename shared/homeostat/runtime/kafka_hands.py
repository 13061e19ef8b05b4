"""The Kafka host of a hand: at-least-once, brakes read to the end before each effect."""

import time
from collections.abc import Sequence
from typing import Final

import structlog
from confluent_kafka import KafkaException, TopicPartition

from homeostat.codec import Record
from homeostat.core import HomeostatError
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka_errors import asked
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import IDLE_SECONDS, Partition, Strategy

logger = structlog.get_logger(__name__)
_BATCH: Final = 100
_BUSY_SECONDS: Final = 0.01
_BROKER_SECONDS: Final = 1.0
"""A hand starts nothing after this long without the broker."""
_STOP_SECONDS: Final = 0.8
_ASK_SECONDS: Final = 10.0


class KafkaHands(Strategy):
    """Runs one hand: reads commands, asks the runner what may start, sends its reports, then commits.

    A command is committed only when its last report is acknowledged, so a killed hand takes it up again.

    Args:
        service: Consumer group.
        runner: Of the hand.
        settings: Of the process.
        cluster: Shared metadata.
    """

    def __init__(self, service: str, runner: HandRunner, settings: HostSettings, cluster: Cluster) -> None:
        self.service, self.runner, self._settings, self._cluster = service, runner, settings, cluster
        self._loop = ConsumerLoop(service, settings, cluster, self, runner.hand.logs, _BATCH)
        self._positions: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}

    @property
    def positions(self) -> dict[Partition, int]:
        """Offset that each partition is read up to. From any thread."""
        return dict(self._positions)

    @property
    def problem(self) -> str:
        """Why the hand does not act, or nothing; from any thread."""
        return self._loop.problem

    def stop(self) -> None:
        """Ask for a graceful stop. From any thread, and from a signal handler."""
        self._loop.stop()

    def run(self) -> None:
        """Act until `stop`."""
        self._outbox = KafkaOutbox(self._settings, self.service)
        self._loop.run()

    # -- what the loop asks for -------------------------------------------------------------------

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Go on at what is committed, and read the brakes of the whole history before it."""
        servers = self._settings.bootstrap_servers
        found = asked(lambda: self._loop.committed(partitions, timeout=_ASK_SECONDS), servers)
        return {(place.topic, place.partition): self._acquire(place) for place in found}

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        """Show the runner what was read."""
        for record in records:
            self._positions[partition] = record.offset + 1
            self.runner.take(record, record.timestamp)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Forget them: whoever has them starts the unfinished commands again."""
        for partition in partitions:
            self._positions.pop(partition, None)
            self._committed.pop(partition, None)
            self.runner.drop(*partition)

    def truncated(self, partition: Partition, low: int, reason: str) -> int:
        """See `Strategy.truncated`: says that commands are gone."""
        logger.error("commands_lost", topic=partition[0], partition=partition[1], position=low, error=reason)
        self._positions[partition] = low
        return low

    def failed(self, partition: Partition | None, error: HomeostatError) -> None:
        """Start again, whatever it concerns: a hand that cannot read may miss a brake."""
        raise error

    def timeout(self) -> float:
        """Short while a task may report."""
        return _BUSY_SECONDS if self.runner.is_busy else IDLE_SECONDS

    def turned(self) -> None:
        """Start what may start, report, commit."""
        if self.runner.is_waiting and self._read_to_end():
            self.runner.start_ready(int(time.time() * 1000))
        self._report()
        self._commit()

    def stopped(self) -> None:
        """Cancel what is under way; nobody has been told that it is done."""
        self._outbox.stop_by(time.monotonic() + _STOP_SECONDS)
        self.runner.cancel()
        self._outbox.flush()

    # -- how ------------------------------------------------------------------------------------

    def _acquire(self, place: TopicPartition) -> int:
        partition = (place.topic, place.partition)
        low, topic_id = self._loop.low(partition), self._cluster.topic_id(place.topic)
        is_of_another = place.metadata not in (None, "", topic_id)  # of a topic that was deleted
        start = 0 if is_of_another else max(0, place.offset)
        if place.topic in self.runner.command_logs:
            for record in read_partition(self._settings, place.topic, place.partition, topic_id, 0, start):
                self.runner.take(record, record.timestamp, is_history=True)
        start = max(start, low)
        self._positions[partition] = self._committed[partition] = start
        return start

    def _read_to_end(self) -> bool:
        """Read every policy partition up to its present end, so that no brake is overlooked."""
        deadline = time.monotonic() + _BROKER_SECONDS
        try:
            ends = self._loop.ends(self.runner.waiting_places(), deadline)
        except KafkaException as error:
            logger.warning("broker_away", error=str(error), hint="commands wait until it is back")
            return False
        while any(self._positions.get(partition, end) < end for partition, end in ends.items()):
            if time.monotonic() > deadline or self._loop.is_stopping:
                return False
            self._loop.read(_BUSY_SECONDS)
        return True

    def _report(self) -> None:
        outputs = self.runner.poll(self._cluster.n_partitions)
        for output in outputs:
            self._outbox.send(output)
        if outputs:
            self._outbox.flush()

    def _commit(self) -> None:
        due: list[TopicPartition] = []
        for (topic, partition), position in self._positions.items():
            oldest = self.runner.oldest(topic, partition)
            offset = position if oldest is None else min(position, oldest)
            if self._committed.get((topic, partition)) != offset:
                due.append(TopicPartition(topic, partition, offset, self._cluster.topic_id(topic)))
                self._committed[topic, partition] = offset
        if due:
            self._loop.commit(due)
