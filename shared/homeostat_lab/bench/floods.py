"""What a flood does to the law and to others: freezes, rows of another scope and memory while strangers write."""

import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import psutil

from homeostat.audit.keys import Key
from homeostat.client.event_builder import EventBuilder
from homeostat.codec import Output, Record
from homeostat.events import BrakeSet, FreezeSet, ModelRegistered, Samples
from homeostat.events.logs import POLICY_ROLLOUT, REQUESTS, TELEMETRY, TIMELINE
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat_lab.bench.bare import bare_rate
from homeostat_lab.bench.ground import PARTITIONS, Ground
from homeostat_lab.bench.policy import stack_of
from homeostat_lab.bench.row import BenchFailed, Row, quantile, row
from homeostat_lab.bench.topic_tail import TopicTail, story_of, wait_for
from homeostat_lab.bench.workload import Traffic, registration
from homeostat_tools.local_stack.local import LocalStack

MOST_COPIES: Final = 5.0
"""Target of a freeze's p95, from sending to the brake that hands read: in times of a freeze without a flood and a bare
client loop that copies the flood, together. To look at each record for a millisecond would be twenty."""

ROWS_SECONDS: Final = 5.0
"""Target: what one scope's flood may delay another scope's rows by."""

_PROBE_SECONDS: Final = 0.25
_QUIET_PROBES: Final = 40
_CALM_PROBES: Final = 12
"""Probes in a row that come back at once: the flood is through the doors."""

_CALM_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 420.0
_LAST_SECONDS: Final = 60.0
_VALID_MS: Final = 3_600_000
_STRANGER: Final = "flood"
_ROWS: Final = 100
_COPIED: Final = 50_000


@dataclass(slots=True)
class Flood:
    """What is written at once.

    Args:
        name: For the rows of the result.
        n: Records.
        outputs: Records of doors.
        is_prepared: They are there before the first is written; else they are made while they are, as by a client.
    """

    name: str
    n: int
    outputs: Iterable[Output]
    is_prepared: bool = True


@dataclass(slots=True)
class Seen:
    """What probes have found.

    Args:
        freezes: Seconds from each freeze to its brake.
        rows: Seconds from each event of another scope to the timeline.
        memory: Greatest resident memory of each process, bytes.
    """

    freezes: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)


def registrations(n: int) -> Iterator[Output]:
    """Models nobody has, in one scope."""
    builder = EventBuilder("/flood")
    for number in range(n):
        data = ModelRegistered(family="any", champion="v1", owner="n" * 64)
        yield builder.build(TELEMETRY, f"{_STRANGER}/m{number}", data, PARTITIONS)


def refusals(n: int) -> Iterator[Output]:
    """What no door takes: half of it cannot be read, half is about models that nobody registered."""
    builder = EventBuilder("/flood")
    bad = b'{"version": "v1", "request": ["r1"'
    for number in range(n):
        value = bad if number % 2 else bad + b'], "time": [1.0], "prediction": [1.0]}'
        subject, id_ = f"{_STRANGER}/x{number % 1000}", f"x{number}"
        yield builder.build_value(
            TELEMETRY, subject, Samples.TYPE, value, PARTITIONS, content_type=b"application/json", id_=id_
        )


def requests(n: int, scope: str, *, claims: Callable[[], list[tuple[str, bytes]]] = list) -> Iterator[Output]:
    """Freezes of a scope that nobody signed, or that claim it, in the same partition as the true ones.

    Args:
        n: How many.
        scope: Subject of each, and what it freezes.
        claims: Called for each: headers that it brings besides.
    """
    builder = EventBuilder("/flood")
    for _ in range(n):
        output = builder.build(REQUESTS, scope, FreezeSet(scope=scope), PARTITIONS)
        output.headers.extend(claims())
        yield output


def junk(key: Key, *, has_key: bool) -> Callable[[], list[tuple[str, bytes]]]:
    """Signatures that are none, under the name of a key that counts; with the key or without it."""
    public = [("public-key", key.public_key_hex.encode())] if has_key else []
    return lambda: [("signature", b64encode(os.urandom(64))), ("key-id", key.key_id.encode()), *public]


def rows(n: int) -> Iterator[Output]:
    """Rows of another tenant, a hundred an event."""
    return Traffic(200, _ROWS, is_inside=False).events(TELEMETRY, PARTITIONS, n // _ROWS)


def floods(ground: Ground, share: float) -> Iterator[Row]:
    """Write each flood at once, and probe meanwhile, on one packed stack; the quiet before is the reference.

    Args:
        ground: Where.
        share: Of the full sizes, in (0, 1].
    """
    rate = bare_rate(ground, n=max(round(_COPIED * share), 1_000))
    stack = stack_of(ground, is_packed=True)
    try:
        yield from _floods(ground, stack, share, rate)
    finally:
        stack.stop()


def _floods(ground: Ground, stack: LocalStack, share: float, rate: float) -> Iterator[Row]:
    _, operator = stack.keys()
    probes = Probes(ground, stack, operator)
    ground.publish(Traffic(200, _ROWS, is_inside=False).registrations(TELEMETRY, PARTITIONS))
    ground.publish([probes.registration()])
    with TopicTail(ground, (POLICY_ROLLOUT, TIMELINE), probes.note):
        probes.run(lambda n: n >= _QUIET_PROBES)  # what is imported late, is
        quiet = probes.run(lambda n: n >= _QUIET_PROBES)
        for flood in _of(share, probes.scope, operator):
            outputs = list(flood.outputs) if flood.is_prepared else flood.outputs
            yield from _rows_of(flood, quiet, probes.through(outputs), flood.n / rate)
    ended = [status.name for status in stack.status() if status.restarts or status.pid is None]
    if ended:
        raise BenchFailed(f"{', '.join(ended)} did not live through it")


def _of(share: float, scope: str, operator: Key) -> Iterator[Flood]:
    n, m, k, r = (round(full * share) for full in (100_000, 200_000, 50_000, 3_000_000))
    yield Flood("unsigned registrations of models in one scope", n, registrations(n))
    yield Flood("refused records at a door", m, refusals(m))
    yield Flood("unsigned requests", k, requests(k, scope))
    for has_key in (False, True):
        how = "that bring its key" if has_key else "that only name it"
        claims = junk(operator, has_key=has_key)
        name = f"requests with junk for a signature of the operator, {how}"
        yield Flood(name, k, requests(k, scope, claims=claims))
    yield Flood("rows of another tenant, 100 an event", r, rows(r), is_prepared=False)


def _rows_of(flood: Flood, quiet: Seen, seen: Seen, copy_seconds: float) -> Iterator[Row]:
    what = f"{flood.n:,} {flood.name}"
    for share in (0.5, 0.95, 1.0):
        yield row(
            f"{what}: freeze to brake.set, {'greatest' if share == 1 else f'p{share * 100:g}'} of {len(seen.freezes)}",
            "s",
            [quantile(seen.freezes, share)],
            reference=f"the same without a flood, and a bare client loop copies {flood.n:,} records",
            references=[quantile(quiet.freezes, share) + copy_seconds],
        )
    yield row(
        f"{what}: delay of another scope's rows, door to timeline, greatest of {len(seen.rows)}",
        "s",
        [max(seen.rows)],
        reference="the same without a flood",
        references=[max(quiet.rows)],
    )
    for process, n_bytes in sorted(seen.memory.items()):
        yield row(
            f"{what}: greatest memory of {process}",
            "MB",
            [n_bytes / 1e6],
            reference="before the first flood",
            references=[quiet.memory[process] / 1e6],
        )


class Probes:
    """Freezes and rows of scopes that have nothing to do with a flood, one after the other, and how long they take.

    Args:
        ground: Where.
        stack: The services.
        operator: Signs the freezes.
    """

    def __init__(self, ground: Ground, stack: LocalStack, operator: Key) -> None:
        self.scope, self.model = "honest", "honest/probe"
        self._ground, self._operator = ground, operator
        self._builder, self._number = EventBuilder("/bench/probe"), count(10_000_000)
        self._traffic = Traffic(1, 1, is_inside=False)
        self._arrived: dict[bytes, float] = {}
        self._outbox = KafkaOutbox(ground.settings, "bench-probes")
        self._processes = {
            status.name: psutil.Process(status.pid) for status in stack.status() if status.pid is not None
        }

    def registration(self) -> Output:
        """What makes the model of the rows known."""
        data = registration(0).model_copy(update={"model": self.model})
        return self._builder.build(TELEMETRY, self.model, data, PARTITIONS)

    def note(self, record: Record, now: float) -> None:
        """Take note of the moment when what a probe has led to is there."""
        type_ = dict(record.headers).get("ce_type")
        if type_ == BrakeSet.TYPE.encode() or record.topic == TIMELINE:
            self._arrived.setdefault(story_of(record), now)

    def through(self, outputs: Iterable[Output]) -> Seen:
        """Write a flood, and probe until nothing is left of it."""
        writing = threading.Thread(target=self._ground.publish, args=(outputs,), name="flood")
        writing.start()
        n_calm = 0

        def is_over(_: int) -> bool:
            nonlocal n_calm
            n_calm = n_calm + 1 if not writing.is_alive() and self._is_calm() else 0
            return n_calm >= _CALM_PROBES

        seen = self.run(is_over)
        writing.join()
        return seen

    def run(self, is_over: Callable[[int], bool]) -> Seen:
        """Send probes until somebody says it is over, told how many were sent; wait for the last ones.

        Raises:
            BenchFailed: Some never arrive.
        """
        self._sent: list[tuple[bytes, bool, float]] = []
        seen, started = Seen(), time.perf_counter()
        while not is_over(len(self._sent) // 2) and time.perf_counter() - started < _LONGEST_SECONDS:
            self._probe()
            time.sleep(_PROBE_SECONDS)
            self._weigh(seen.memory)
        if not wait_for(lambda: all(story in self._arrived for story, _, _ in self._sent), _LAST_SECONDS):
            n = sum(story not in self._arrived for story, _, _ in self._sent)
            raise BenchFailed(f"{n} of {len(self._sent)} probes did not arrive in {_LAST_SECONDS:g} s")
        for story, is_freeze, at in self._sent:
            (seen.freezes if is_freeze else seen.rows).append(self._arrived[story] - at)
        return seen

    def _probe(self) -> None:
        freeze = FreezeSet(scope=self.scope, valid_until=int(time.time() * 1000) + _VALID_MS)
        outputs = [
            (self._builder.build(REQUESTS, self.scope, freeze, PARTITIONS, key=self._operator), True),
            (self._builder.build(TELEMETRY, self.model, self._traffic.samples(next(self._number)), PARTITIONS), False),
        ]
        for output, is_freeze in outputs:
            self._sent.append((story_of(output), is_freeze, time.perf_counter()))
            self._outbox.send(output)
        self._outbox.flush()

    def _is_calm(self) -> bool:
        """Whether the probes before the last one came back at once."""
        now = time.perf_counter()
        late = [at for story, _, at in self._sent if self._arrived.get(story, now) - at > _CALM_SECONDS]
        return not late or now - max(late) > _CALM_PROBES * _PROBE_SECONDS

    def _weigh(self, memory: dict[str, int]) -> None:
        for name, process in self._processes.items():
            try:
                memory[name] = max(memory.get(name, 0), process.memory_info().rss)
            except psutil.NoSuchProcess:
                raise BenchFailed(f"{name} has ended") from None


def held(found: Iterable[Row]) -> list[str]:
    """Say which targets were missed: of freezes as a ratio, of others' rows in seconds.

    Args:
        found: Rows of the floods.
    """
    missed = []
    for each in found:
        if "freeze to brake.set, p95" in each.name and (each.ratio or 0.0) > MOST_COPIES:
            missed.append(f"{each.name}: {each.value:.2f} s, {each.ratio:.2f} of {each.reference}")
        elif "delay of another scope's rows" in each.name and (each.value or 0.0) > ROWS_SECONDS:
            missed.append(f"{each.name}: {each.value:.2f} s")
    return sorted(missed)
