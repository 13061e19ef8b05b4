"""What the one consumer loop tells its strategy, and what it does with errors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, TopicPartition

from homeostat.codec import Record
from homeostat.core import HomeostatError
from homeostat.runtime import consumer_loop
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.consumer_loop import ConsumerLoop
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.strategy import Partition, Strategy

FIRST, SECOND, OTHER = ("t", 0), ("t", 1), ("t", 2)


@dataclass
class Read:
    """A message as the client gives it."""

    place: Partition
    at: int
    problem: int | None = None

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.at

    def error(self) -> KafkaError | None:
        return None if self.problem is None else KafkaError(self.problem)

    def timestamp(self) -> tuple[int, int]:
        return 2, self.at

    def key(self) -> bytes:
        return b"k"

    value = key

    def headers(self) -> None:
        """It has none."""


@dataclass
class Broker:
    """A consumer whose messages are given."""

    waiting: list[Read] = field(default_factory=list)
    sought: list[tuple[int, int]] = field(default_factory=list)

    def poll(self, timeout: float) -> Read | None:
        return self.waiting.pop(0) if self.waiting else None

    def consume(self, n: int, timeout: float) -> list[Read]:
        taken, self.waiting = self.waiting[:n], self.waiting[n:]
        return taken

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Nothing has to be done."""

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.partition, place.offset))

    def close(self) -> None:
        """Nothing has to be done."""


class Named:
    """A cluster that knows the incarnation of every topic."""

    def topic_id(self, topic: str) -> str:
        return "id"


class Recorder(Strategy):
    """Writes down what it is told."""

    def __init__(self, *, passes: bool = False) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._passes = passes

    def assigned(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {}

    def process(self, partition: Partition, records: Sequence[Record]) -> None:
        self.told.append(("records", partition[1], [record.offset for record in records]))

    def reached(self, partition: Partition, offset: int) -> None:
        self.told.append(("end", partition[1], offset))

    def passes_over(self, partition: Partition, offset: int, reason: str) -> bool:
        return self._passes

    def turned(self) -> None:
        self.told.append(("turned",))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """In place of a connection."""
    broker = Broker()
    monkeypatch.setattr(consumer_loop, "plain_consumer", lambda *_, **__: broker)
    return broker


def opened(strategy: Strategy, batch: int = 10) -> ConsumerLoop:
    """A loop outside of any group that has two partitions."""
    loop = ConsumerLoop("test", HostSettings(), cast(Cluster, Named()), strategy, batch=batch)
    loop.open()
    loop.assign({FIRST: 0, SECOND: 0})
    return loop


def test_records_come_by_partition_in_order_with_ends_in_their_place(broker: Broker) -> None:
    """What was read before the end of a partition is told before the end; partitions are not mixed."""
    broker.waiting = [Read(FIRST, 0), Read(SECOND, 5), Read(FIRST, 1)]
    broker.waiting += [Read(FIRST, 2, KafkaError._PARTITION_EOF), Read(FIRST, 2), Read(SECOND, 6)]
    strategy = Recorder()

    opened(strategy).turn()

    assert strategy.told == [
        ("records", 0, [0, 1]),
        ("end", 0, 2),
        ("records", 1, [5, 6]),
        ("records", 0, [2]),
        ("turned",),
    ]


def test_a_turn_reads_one_batch_and_the_next_one_the_rest(broker: Broker) -> None:
    """So that what is due between batches never waits for long."""
    broker.waiting = [Read(FIRST, offset) for offset in range(5)]
    strategy = Recorder()
    loop = opened(strategy, batch=3)

    loop.turn()
    loop.turn()

    assert strategy.told == [("records", 0, [0, 1, 2]), ("turned",), ("records", 0, [3, 4]), ("turned",)]


def test_what_is_left_over_from_a_partition_of_others_is_dropped(broker: Broker) -> None:
    """As after a rebalance; what Kafka says of it is not this loop's failure."""
    broker.waiting = [Read(OTHER, 7), Read(OTHER, 8, KafkaError.TOPIC_AUTHORIZATION_FAILED), Read(FIRST, 0)]
    strategy = Recorder()

    opened(strategy).turn()

    assert strategy.told == [("records", 0, [0]), ("turned",)]


def test_a_batch_that_nobody_can_read_ends_the_loop_or_is_passed_over(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the strategy says; what was read before it is taken in either way."""
    monkeypatch.setattr(consumer_loop, "next_readable", lambda *_: 40)
    strict, lenient = Recorder(), Recorder(passes=True)
    for strategy in (strict, lenient):
        broker.waiting = [Read(FIRST, 0), Read(FIRST, 1, KafkaError._BAD_MSG)]
        loop = opened(strategy)
        if strategy is strict:
            with pytest.raises(HomeostatError):
                loop.turn()
        else:
            loop.turn()

    assert strict.told == [("records", 0, [0])]
    assert lenient.told == [("records", 0, [0]), ("turned",)]
    assert broker.sought == [(0, 40)]


def test_what_is_over_in_a_moment_ends_nothing_and_what_is_not_does(broker: Broker) -> None:
    """A partition that moves to another broker is waited for; one that may not be read is said."""
    strategy = Recorder()
    loop = opened(strategy)

    broker.waiting = [Read(FIRST, 0, KafkaError.NOT_LEADER_FOR_PARTITION)]
    loop.turn()
    broker.waiting = [Read(FIRST, 0, KafkaError.TOPIC_AUTHORIZATION_FAILED)]

    with pytest.raises(HomeostatError, match="forbids"):
        loop.turn()
    assert strategy.told == [("turned",)]


def test_a_stop_from_within_ends_the_loop_after_the_turn(broker: Broker) -> None:
    """And the strategy finishes what it has begun, once."""

    class Ends(Recorder):
        def turned(self) -> None:
            loop.stop()

        def stopped(self) -> None:
            self.told.append(("stopped",))

    strategy = Ends()
    loop = ConsumerLoop("test", HostSettings(), cast(Cluster, Named()), strategy)

    loop.run()

    assert strategy.told == [("stopped",)]
