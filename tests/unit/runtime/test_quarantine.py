"""What is refused is described verbatim, whatever is in it; and a flood of it is sampled."""

from base64 import b64decode
from hashlib import sha256

import pytest

from homeostat.codec import Output, Record, decode_event, encode_payload
from homeostat.core import Reject
from homeostat.events.logs import MAX_INPUT_BYTES, MAX_QUARANTINED_BYTES, QUARANTINE, TELEMETRY
from homeostat.runtime.memory import MemoryHost, MemoryLog
from homeostat.runtime.quarantine import refused
from homeostat.runtime.refusals import EVERY, FEW, FREE, SEATS, WINDOW, RefusalTally
from homeostat.services.intake.telemetry import TelemetryIntake

WHY = Reject("unreadable", "why")


def record(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> Record:
    return Record("t", "id", 0, 7, 1000, key, value, headers)


@pytest.mark.parametrize(
    ("header", "attempts"), [(b"3", 3), (b"", 0), (b"-1", 0), (b"x", 0), ("٣".encode(), 0), (b"9" * 5000, 0), (None, 0)]
)
def test_attempts_are_a_small_number_or_none(header: bytes, attempts: int) -> None:
    """Anybody may write the header; a number of thousands of digits would not even be converted."""
    bad = record(b"k", b"v", [("homeostat-attempts", header)])

    assert refused(bad, WHY, "intake.telemetry").attempts == attempts


@pytest.mark.parametrize("key", [None, b"", b"\xff"])
@pytest.mark.parametrize("value", [None, b"", b"\xff"])
@pytest.mark.parametrize("header", [None, b"", b"\xc3\x28"])
def test_null_and_empty_are_told_apart(key: bytes | None, value: bytes | None, header: bytes) -> None:
    """Key, value and headers come back as they were, null too."""
    kept = refused(record(key, value, [("h", header)]), WHY, "s")

    def back(text: str | None) -> bytes | None:
        return None if text is None else b64decode(text)

    assert (back(kept.key), back(kept.value), back(kept.headers[0][1])) == (key, value, header)


def test_the_largest_input_is_kept_whole() -> None:
    """Whatever its bytes are spent on, the quarantine takes it."""
    for key, value, header in ((b"k", b"v" * (MAX_INPUT_BYTES - 2), b""), (b"", b"", b"h" * (MAX_INPUT_BYTES - 1))):
        kept = refused(record(key, value, [("h", header)]), WHY, "s")

        assert kept.size_bytes is None
        assert b64decode(kept.value or "") == value
        assert len(encode_payload(kept)[0]) < MAX_QUARANTINED_BYTES - 10_000


@pytest.mark.parametrize(
    "bad",
    [
        record(b"k", b"v" * (MAX_INPUT_BYTES + 1), []),
        record(b"k" * MAX_INPUT_BYTES, b"v" * MAX_INPUT_BYTES, [("h" * 100_000, b"x" * MAX_INPUT_BYTES)]),
        record(None, None, [(str(n), b"") for n in range(MAX_INPUT_BYTES // 5)]),
    ],
)
def test_what_is_larger_is_cut(bad: Record) -> None:
    """Its beginning is kept, with the size and the digest of the whole."""
    kept = refused(bad, WHY, "s")

    assert kept.size_bytes == len(bad.value or b"")
    assert kept.digest == sha256(bad.value or b"").hexdigest()
    assert (bad.value or b"").startswith(b64decode(kept.value or ""))
    assert len(encode_payload(kept)[0]) < 1_000_000


def test_a_reason_that_cannot_be_written_is_written_all_the_same() -> None:
    """Half a surrogate pair in it, a megabyte of it."""
    kept = refused(record(b"k", b"v", []), Reject("unreadable", "\ud800" + "x" * 1_000_000), "s")

    assert encode_payload(kept)


def test_some_refusals_of_a_good_source_are_all_kept() -> None:
    """However many they become over time, while most of what it sends is right."""
    tally = RefusalTally()

    kept = []
    for n in range(5 * WINDOW):
        if n % 10:
            tally.admitted("/good")
        else:
            kept.append(tally.refused("/good"))

    assert kept == [0] * (WINDOW // 2)


def test_a_source_that_sends_nothing_else_is_sampled() -> None:
    """The first are kept, then one of a hundred, which says how many were left out."""
    tally = RefusalTally()

    kept = [tally.refused("/bad") for _ in range(FREE + 10 * EVERY)]

    assert kept[:FREE] == [0] * FREE
    assert [n for n in kept[FREE:] if n is not None] == [EVERY - 1] * 10
    assert sum(n + 1 for n in kept if n is not None) == FREE + 10 * EVERY


def test_what_all_say_alike_is_sampled_soon() -> None:
    """A few of it tell what it is, whatever else the source sends."""
    tally = RefusalTally()
    for _ in range(5000):
        tally.admitted("/fleet")

    kept = [tally.refused("/fleet", is_one_of_many=True) for _ in range(FEW + 3 * EVERY)]

    assert [n for n in kept if n is not None] == [0] * FEW + [EVERY - 1] * 3
    assert not tally.is_flooded("/fleet")


def test_a_flood_is_known_before_it_is_counted() -> None:
    """What is left out next needs no reason; what is kept does."""
    tally, found = RefusalTally(), []
    for _ in range(FREE + 3 * EVERY):
        is_flooded = tally.is_flooded("/bad")
        found.append(is_flooded == (tally.refused("/bad") is None))

    assert all(found)


def test_the_seats_of_sources_are_bounded() -> None:
    """Invented names share a seat, and do not cost the others theirs."""
    tally = RefusalTally()
    for _ in range(FREE + 1):
        tally.refused("/honest")
    for n in range(10 * SEATS):
        tally.refused(f"/invented/{n}" + "x" * 1000)

    assert len(tally.seats) == SEATS + 1
    assert tally.seats["/honest"].n_refused == FREE + 1
    assert max(map(len, tally.seats)) <= 400


def test_a_refusal_is_readable_whatever_key_was_refused() -> None:
    """Names that begin with NUL are a host's own: nobody would read a quarantine record under one."""
    log = MemoryLog(partitions=1)
    log.append(Output(TELEMETRY, 0, b"\0x", b"{}", [("ce_type", b"x")]))
    MemoryHost(log, TelemetryIntake()).run()

    (kept,) = log.all(QUARANTINE)

    assert decode_event(kept, time=0, emitter="", is_door=False).subject == "\ufffdx"
