"""Names and headers on internal logs that no fold has emitted."""

from dataclasses import replace

import msgspec
import pytest
from tests.attacks.counting import SOURCE, World

from homeostat.codec import Output
from homeostat.core import Reject
from homeostat.core.snapshot import Marker
from homeostat.events.columns import Samples
from homeostat.events.logs import MAX_RECORD_BYTES, QUARANTINE, TELEMETRY, TIMELINE
from homeostat.runtime.watermarks import Watermarks
from homeostat.testing.signals import signal

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
