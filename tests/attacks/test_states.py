"""Threats to what a fold remembers: who may write its snapshots, its input, or a door, and what comes of it."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeostat.codec import Output, Record, encode_state
from homeostat.codec.encode import rfc3339
from homeostat.core import Reject
from homeostat.core.snapshot import Marker
from homeostat.events.columns import Samples
from homeostat.events.logs import INDICATORS, MAX_RECORD_BYTES, QUARANTINE, SNAPSHOTS, TELEMETRY, TIMELINE
from homeostat.runtime.assignment import Assignment
from homeostat.runtime.errors import SnapshotDamaged, SnapshotOutdated, SnapshotUnsealed
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.sealing import SEAL, Seals
from homeostat.runtime.snapshot_reader import read_stored
from homeostat.runtime.snapshots import SnapshotWriter
from homeostat.runtime.watermarks import Watermarks
from homeostat.testing.counter import Counter
from homeostat.testing.signals import signal

OURS, THEIRS = bytes(range(32)), bytes(32)
SOURCE = f"/homeostat/intake.telemetry/{TELEMETRY}/abc/0"
SNAPSHOT = SNAPSHOTS + "counter"


class World:
    """A counter over one partition of the timeline, and what an attacker writes beside it."""

    def __init__(self, seals: Seals | None = None, *, is_door: bool = False, every: int = 1) -> None:
        self.log = MemoryLog(partitions=1)
        self._topic = TELEMETRY if is_door else TIMELINE
        self._is_door, self._every = is_door, every
        self.host = MemoryHost(self.log, self._fold(), seals=seals)

    def _fold(self) -> Counter:
        return Counter(log=self._topic, is_door=self._is_door, every=self._every)

    def say(self, n: int, subject: str = "team/m", source: str = SOURCE) -> None:
        """The `n`-th event of an honest source."""
        self.log.now += 10
        made = signal(self._topic, subject, float(n), n, source=source)
        headers = [(k, v) for k, v in made.headers if k != "ce_time"]
        self.log.append(replace(made, headers=[*headers, ("ce_time", self.time)]))

    @property
    def time(self) -> bytes:
        return rfc3339(self.log.now).encode()

    def forge(self, n: int, **headers: bytes | None) -> None:
        """Another's event, some of its headers changed; None is a null."""
        made = signal(self._topic, "team/m", 7.0, n, source=SOURCE)
        changed = dict(made.headers) | {"ce_time": self.time} | headers
        self.log.append(replace(made, headers=list(changed.items())))  # type: ignore[arg-type]  # null on purpose

    def run(self) -> None:
        self.host.run()

    def snapshot(self) -> None:
        for assignment in self.host.assignments:
            assignment.snapshot()

    def again(self, seals: Seals | None = None) -> Assignment[Any]:
        """Restart: whoever is called comes back with what the snapshots say."""
        self.host = MemoryHost(self.log, self._fold(), seals=seals if seals is not None else self.host.seals)
        return self.host.assignments[0]

    def counts(self) -> dict[str, int]:
        return {unit: state.n for unit, state in self.host.assignments[0].states.items()}

    def stored(self) -> list[Record]:
        return list(self.log.records(SNAPSHOT, 0))

    def refused(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(record.value or b"") for record in self.log.all(QUARANTINE)]


def settled(seals: Seals | None = None, n_subjects: int = 3) -> World:
    """A world whose states lie in a snapshot."""
    world = World(seals)
    for n in range(12):
        world.say(n, f"team/m{n % n_subjects}")
    world.run()
    world.snapshot()
    return world


class Bomb:
    """What runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("code", [2, 3, 99])
def test_nothing_in_a_state_is_run(code: int, tmp_path: Path) -> None:
    """Threat: who writes a snapshot runs code as the fold, which may hold the notary's key. A pickle is never read."""
    bomb = msgspec.msgpack.Ext(code, pickle.dumps(Bomb(tmp_path / "owned")))
    writer = SnapshotWriter(Counter(), 0, "w")

    with pytest.raises(SnapshotOutdated):
        writer.decode("team/m", msgspec.msgpack.encode({"n": bomb, "checksum": bomb, "wake": bomb}), {})

    assert not (tmp_path / "owned").exists()


def forged(record: Record, **changes: Any) -> Output:
    """A record of the snapshots as somebody else writes it."""
    changed = replace(record, **changes)
    return Output(changed.topic, changed.partition, changed.key or b"", changed.value, changed.headers)


def unsealed(record: Record) -> Output:
    return forged(record, headers=[])


def with_checksum(record: Record) -> Output:
    headers = Seals().headers(record.topic, record.partition, record.key or b"", record.value or b"")
    return forged(record, headers=headers)


def with_another_key(record: Record) -> Output:
    headers = Seals([THEIRS]).headers(record.topic, record.partition, record.key or b"", record.value or b"")
    return forged(record, headers=headers)


def with_other_value(record: Record) -> Output:
    return forged(record, value=(record.value or b"")[:-1] + b"\x00")


def under_another_key(record: Record) -> Output:
    return forged(record, key=(record.key or b"") + b"x")


@pytest.mark.parametrize(
    "write",
    [unsealed, with_checksum, with_another_key, with_other_value, under_another_key],
    ids=lambda write: write.__name__,
)
def test_a_state_without_the_key_is_not_read(write: Callable[[Record], Output]) -> None:
    """Threat: forging, changing or moving a state. With a key nothing of such a record is decoded: the fold halts."""
    world = settled(Seals([OURS]))
    world.log.append(write(next(record for record in world.stored() if record.value)))

    with pytest.raises(SnapshotUnsealed) as halt:
        world.again()

    line = str(halt.value)
    assert "\n" not in line
    assert "homeostat folds rebuild counter" in line
    assert "HOMEOSTAT_HOST_ADOPT_SNAPSHOTS" in line


@pytest.mark.parametrize("place", [{"partition": 1}, {"topic": SNAPSHOTS + "other"}])
def test_a_state_is_not_moved(place: dict[str, Any]) -> None:
    """Threat: a genuine state of one partition or fold is put into another's."""
    world = settled(Seals([OURS]))

    with pytest.raises(SnapshotUnsealed):
        read_stored([replace(record, **place) for record in world.stored()], Seals([OURS]))


def test_a_host_without_the_key_does_not_go_on() -> None:
    """It could neither tell a forgery, nor write what the others believe."""
    world = settled(Seals([OURS]))

    with pytest.raises(SnapshotUnsealed, match="HOMEOSTAT_SNAPSHOTS_KEY"):
        world.again(Seals())


def test_what_lies_there_without_a_seal_is_adopted_once() -> None:
    """Said so by the operator, a host seals what was stored before there was a key; then it is refused again."""
    world = settled(n_subjects=3)
    before = world.counts()
    with pytest.raises(SnapshotUnsealed):
        world.again(Seals([OURS]))

    world.again(Seals([OURS], adopts=True))

    world.again(Seals([OURS]))
    assert world.counts() == before
    live = {record.key: record for record in world.stored()}
    assert all(dict(r.headers)[SEAL][:1] == b"k" for r in live.values() if r.value is not None)
    world.log.append(unsealed(next(record for record in world.stored() if record.value)))
    with pytest.raises(SnapshotUnsealed):
        world.again()


def test_a_foreign_seal_is_not_adopted() -> None:
    """Adopting takes what has no key's seal, not what another key has sealed."""
    world = settled(Seals([THEIRS]))

    with pytest.raises(SnapshotUnsealed):
        world.again(Seals([OURS], adopts=True))


def test_a_key_is_replaced_without_a_stop() -> None:
    """The new one in front of the old: old states are read, new ones are sealed with it."""
    world = settled(Seals([THEIRS]))
    before = world.counts()

    world.again(Seals([OURS, THEIRS]))

    assert world.counts() == before
    assert Seals([OURS]).fault([r for r in world.stored() if r.value is not None][-1]) == ""  # the claim


@pytest.mark.parametrize("seals", [None, Seals([OURS])])
def test_a_state_that_is_gone_is_noticed(seals: Seals | None) -> None:
    """Threat: a tombstone takes a model's state away. The marker counts the states, and the line says what to do."""
    world = settled(seals)
    state = next(r for r in reversed(world.stored()) if r.value and (r.key or b"").startswith(b"s|"))
    world.log.append(Output(SNAPSHOT, 0, state.key or b"", None, []))

    with pytest.raises(SnapshotDamaged, match=r"counts 3 states, and 2 are there.*homeostat folds rebuild counter"):
        world.again()


def test_an_earlier_copy_of_a_state_is_noticed() -> None:
    """Threat: a genuine, older copy is put back in the place of the newest one."""
    world = settled(Seals([OURS]))
    older = [r for r in world.stored() if r.value and (r.key or b"").endswith(b"|team/m0")]
    world.say(12, "team/m0")
    world.run()
    world.snapshot()
    newer = [r for r in world.stored() if r.value and (r.key or b"").endswith(b"|team/m0")][-1]
    world.log.append(forged(older[-1]))
    world.log.append(Output(SNAPSHOT, 0, newer.key or b"", None, []))

    with pytest.raises(SnapshotDamaged, match="not those that the marker"):
        world.again()


def test_swapped_states_are_noticed_without_a_key() -> None:
    """Threat: two models change states, by somebody who drops the seals. The marker has the digest of all."""
    world = settled()
    live = {r.key: r for r in world.stored() if r.value is not None}
    one, two = [r for r in live.values() if (r.key or b"").startswith(b"s|")][:2]
    world.log.append(forged(one, value=two.value, headers=[]))
    world.log.append(forged(two, value=one.value, headers=[]))

    with pytest.raises(SnapshotDamaged):
        world.again()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"\xff\xfe", b"x"),
        (b"0|__marker__|w", b"x"),
        (b"m|w", b""),
        (b"s|w|0.1.0|u", b"\xc1"),
        (b"p|x|u", b"1"),
        (b"", b""),
    ],
)
def test_garbage_in_the_snapshots_is_a_halt_that_names_it(key: bytes, value: bytes) -> None:
    """Threat: anything at all under any key. One line with the record and the remedy, never a traceback."""
    world = settled()
    world.log.append(Output(SNAPSHOT, 0, key, value, []))

    with pytest.raises(SnapshotDamaged, match=r"cannot be read.*homeostat folds rebuild counter"):
        world.again()


@pytest.mark.parametrize("index", [-1, 5, 7])
def test_a_part_that_cannot_be_is_damage(index: int) -> None:
    """A chunk outside of its copy."""
    world = settled()
    value = msgspec.msgpack.encode([9, index, 5, b"", 0])
    world.log.append(Output(SNAPSHOT, 0, b"s|w|0.9.0|team/m0", value, []))

    with pytest.raises(SnapshotDamaged):
        world.again()


STRANGE_KEYS = (
    "__marker__|x",
    "victim|x",
    "|",
    "m|w|",
    "s|00000001|0.1.0|victim",
    "p|0|victim",
    "refusals",
    "*",
    "é|\n",
)


def test_a_strangers_key_names_no_key_of_ours() -> None:
    """Threat: subjects at a door made of what keys of snapshots are made of. Each has its own state, and comes back."""
    world = World(is_door=True, every=100)  # it says nothing about them
    for n, subject in enumerate(("victim", *STRANGE_KEYS, "victim")):
        world.say(n, subject)
    world.run()
    world.snapshot()
    before = world.counts()

    world.again()

    assert world.counts() == before == {"victim": 2} | dict.fromkeys(STRANGE_KEYS, 1)


@pytest.mark.parametrize("is_door", [True, False])
def test_a_name_that_begins_with_nul_is_refused(is_door: bool) -> None:
    """Threat: the name that a door's own tally is stored under, as a model's."""
    world = World(is_door=is_door)

    world.say(0, "\0refusals")
    world.run()
    world.snapshot()

    assert [one["reason"] for one in world.refused()] == ["header_invalid"]
    world.again()
    assert world.counts() == {}


FALSE_HEADERS: list[dict[str, bytes | None]] = [
    {"ce_sequence": None},
    {"ce_sequence": b""},
    {"ce_sequence": b"\xff\xfe"},
    {"ce_sequence": b"9999999999999999.9999"},
    {"ce_sequence": b"9999999999999999.9999", "ce_id": b"9999999999999999.9999"},
    {"ce_sequence": "²²²²²²²²²²²²²²²².0000".encode()},
    {"ce_sequence": b"0000000000000005.0000 "},
    {"ce_sequence": b"zzzz"},
    {"ce_sequence": b"0000000000000099.0000"},
    {"ce_id": b"5.1"},
    {"ce_id": None},
    {"ce_source": b"\xff"},
    {"ce_source": f"/homeostat/x/{TELEMETRY}/abc/7".encode()},
    {"ce_source": b"/homeostat/x/homeostat.nonsense/abc/0"},
    {"ce_time": None},
    {"ce_time": b"yesterday"},
]


@pytest.mark.parametrize("headers", FALSE_HEADERS, ids=repr)
def test_what_no_fold_has_emitted_is_refused(headers: dict[str, bytes | None]) -> None:
    """Threat: an event in a fold's name that silences it for ever. It is refused, said, and moves nothing."""
    world = World()
    world.say(0)
    world.forge(5, **headers)
    for n in (1, 2, 3):
        world.say(n)

    world.run()

    assert [one["reason"] for one in world.refused()] == ["sequence_invalid"]
    assert world.host.assignments[0].refused == {"sequence_invalid": 1}
    assert world.counts() == {"team/m": 4}
    assert world.host.assignments[0].n_dropped == 0


@pytest.mark.parametrize("restarts", [False, True])
def test_a_source_disproves_what_was_said_in_its_name(restarts: bool) -> None:
    """Threat: a sequence that could be true, far ahead. The source's next event shows that it was not; none is lost."""
    world = World()
    for n in range(4):
        world.say(n)
    world.forge(1_000_000)
    world.run()
    if restarts:
        world.snapshot()
        world.again()

    for n in range(4, 10):
        world.say(n)
    world.run()

    (notice,) = world.refused()
    assert (notice["reason"], notice["offset"], notice["log"]) == ("sequence_invalid", 4, TIMELINE)
    assert "gone on with 0000000000000004.0000" in notice["detail"]
    assert world.counts() == {"team/m": 11}  # ten true ones, and the false one


def test_a_crash_says_the_same_again() -> None:
    """What is disowned follows from the log: a fold that starts anew says so in the same words, under the same id."""
    world = World()
    for n in range(4):
        world.say(n)
    world.forge(50)
    world.say(4)
    world.run()
    first = list(world.log.all(QUARANTINE))

    world.again()  # nothing was stored: all is folded again
    world.run()

    said = list(world.log.all(QUARANTINE))
    assert [(r.value, r.headers) for r in said[len(first) :]] == [(r.value, r.headers) for r in first]
    assert len(first) == 1


def test_many_false_ones_silence_a_source_for_a_moment_only() -> None:
    """Threat: more false sequences than are remembered, of a time to come. Within the hour the source is back."""
    world = World()
    world.say(0)
    for n in range(100):
        world.forge(1_000_000 + n, ce_time=b"9999-12-31T23:59:59.999Z")
    world.say(1)
    world.log.now += 3_600_000
    world.say(2)
    world.say(3)

    world.run()

    assert [one["reason"] for one in world.refused()] == ["sequence_invalid"]
    assert world.counts() == {"team/m": 103}


def test_repeats_are_dropped_as_before() -> None:
    """A writer that starts again repeats a stretch of any length: nothing is folded twice, nothing is said."""
    world = World()
    for n in range(30):
        world.say(3 * n)
    true = list(world.log.all(TIMELINE))
    for record in true[5:]:
        world.log.append(Output(record.topic, 0, record.key or b"", record.value, record.headers))
    world.say(90)

    world.run()

    assert world.counts() == {"team/m": 31}
    assert world.host.assignments[0].n_dropped == 25
    assert world.refused() == []


def test_names_of_sources_do_not_fill_the_marker() -> None:
    """Threat: a hundred thousand sources. The marker is one record; those that were there are read on."""
    marks, record = Watermarks(), World().log.append(signal(TIMELINE, "team/m", 0.0, 0, source=SOURCE))
    sure = dict(record.headers) | {"ce_time": b"2026-01-01T00:00:00.000Z"}
    n_refused = 0
    for n in range(20_000):
        headers = [*(sure | {"ce_source": f"{SOURCE[:-6]}{n:050d}/0".encode()}).items()]
        for offset in range(3):
            own = {"ce_id": b"%d.0" % offset, "ce_sequence": b"%016d.0000" % offset}
            try:
                marks.is_repeated(replace(record, headers=[*(dict(headers) | own).items()]), 0, lambda _: 1)
            except Reject:
                n_refused += 1

    stored = msgspec.msgpack.encode(Marker(sources=marks.sources))
    assert len(stored) < MAX_RECORD_BYTES
    assert n_refused > 0
    assert all(len(seen.recent) == 1 for seen in [*marks.sources.values()][500:])


DEEP = b"\x91" * 100_000 + b"\xc0"


@pytest.mark.parametrize("value", [DEEP, b"\x81\xa1x" + DEEP, b"\xc1", b"", b"\xdd\xff\xff\xff\xff", None])
@pytest.mark.parametrize("content_type", [b"application/msgpack", b"application/json", b"\xff", None])
def test_no_payload_on_an_internal_log_stops_a_fold(value: bytes | None, content_type: bytes | None) -> None:
    """Threat: bytes that a decoder chokes on, behind the doors. They are refused, and the fold goes on."""
    world = World()
    made = signal(TIMELINE, "team/m", 1.0, 0, source=SOURCE)
    headers = dict(made.headers) | {"ce_type": Samples.TYPE.encode(), "content-type": content_type}
    world.log.append(replace(made, value=value, headers=list(headers.items())))  # type: ignore[arg-type]  # null on purpose

    world.say(1)
    world.run()

    assert [one["reason"] for one in world.refused()] in (
        ["payload_invalid"],
        ["content_type_unknown"],
        ["header_invalid"],
    )
    assert world.counts() == {"team/m": 1}


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_subject", "ce_correlationid", "ce_causationid"])
@pytest.mark.parametrize("text", [b"\xff\xfe", None])
def test_no_header_on_an_internal_log_stops_a_fold(name: str, text: bytes | None) -> None:
    """Threat: headers that are null or no text, behind the doors."""
    world = World()
    world.say(0)
    world.forge(1, **{name: text})
    world.say(2)

    world.run()

    assert world.counts()["team/m"] >= 2
    assert all(one["reason"] in ("sequence_invalid", "header_invalid", "header_missing") for one in world.refused())


def test_states_encode_alike_whoever_reads_them() -> None:
    """A state that went through a sealed snapshot is the state, to the byte."""
    world = settled(Seals([OURS]))
    before = {unit: encode_state(state) for unit, state in world.host.assignments[0].states.items()}

    after = world.again().states

    assert {unit: encode_state(state) for unit, state in after.items()} == before
    assert list(world.log.all(INDICATORS))
