"""Threats to what a fold remembers: who may write its snapshots, its input, or a door, and what comes of it."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.attacks.counting import SNAPSHOT, World

from homeostat.codec import Output, Record, encode_state
from homeostat.events.logs import INDICATORS, SNAPSHOTS
from homeostat.runtime.errors import SnapshotDamaged, SnapshotOutdated, SnapshotUnsealed
from homeostat.runtime.sealing import SEAL, Seals
from homeostat.runtime.snapshot_reader import read_stored
from homeostat.runtime.snapshots import SnapshotWriter
from homeostat.testing.counter import Counter

OURS, THEIRS = bytes(range(32)), bytes(32)


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


def test_states_encode_alike_whoever_reads_them() -> None:
    """A state that went through a sealed snapshot is the state, to the byte."""
    world = settled(Seals([OURS]))
    before = {unit: encode_state(state) for unit, state in world.host.assignments[0].states.items()}

    after = world.again().states

    assert {unit: encode_state(state) for unit, state in after.items()} == before
    assert list(world.log.all(INDICATORS))
