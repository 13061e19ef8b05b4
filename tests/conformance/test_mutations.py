"""Whatever happens to a good record on its way, its door takes it or keeps it with a reason, and goes on."""

import json
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.mutations import JSON, arrow_stream, binary, corpus, mutate, said_of

from homeostat.codec import Record
from homeostat.codec.arrow import ARROW
from homeostat.core import Fold
from homeostat.events import (
    EpisodeRecorded,
    FamilyRegistered,
    IncidentRecorded,
    ModelRegistered,
    Samples,
    SignalObserved,
)
from homeostat.events.logs import MAX_INPUT_BYTES, TELEMETRY, TRACES
from homeostat_tools.cli.folds import fold_of

GOOD = list(corpus())
PLAIN = [record for record in GOOD if (b"arrow" not in dict(record.headers)["content-type"])]
ARROW_SECONDS = 8
"""In a process of its own: a buffer that is believed ends it."""

MOST_MEMORY = 300_000_000
"""For one record, of the largest size there is; each byte may become an object or two."""


def door_of(log: str) -> Fold[Any]:
    return fold_of(log.replace("homeostat", "intake"))


@pytest.mark.parametrize("record", GOOD, ids=lambda record: str(dict(record.headers).get("ce_type", record.topic)))
def test_the_records_are_good(record: Record) -> None:
    """Before anything happens to them they are admitted."""
    said = said_of(door_of(record.topic), record)

    assert said == "admitted" or (b"labels" in (record.value or b"") + str(record.headers).encode())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLAIN), st.randoms(use_true_random=False))
def test_a_mutated_record_does_not_stop_its_door(record: Record, chance: random.Random) -> None:
    """Bits flipped, cut short, spliced, headers lost, null or of another kind."""
    assert said_of(door_of(record.topic), mutate(chance, record))


@pytest.mark.parametrize("only", ["arrow", ""])
def test_no_process_ends_by_a_mutated_record(only: str) -> None:
    """Thousands, in a process with limits of memory and time; one that dies names its seed."""
    argv = [sys.executable, "-m", "tests.support.mutations", "--seconds", str(ARROW_SECONDS), "--only", only]

    ended = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)

    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "payload_invalid" in ended.stdout
    assert "admission_failed" not in ended.stdout, ended.stdout


def wide(n: int, item: Callable[[int], str]) -> str:
    return ",".join(item(i) for i in range(n))


def fill(head: str, item: Callable[[int], str], tail: str) -> bytes:
    """As many items as a record may hold."""
    n = (MAX_INPUT_BYTES - 10_000) // (len(item(MAX_INPUT_BYTES)) + 1)
    return f"{head}{wide(n, item)}{tail}".encode()


HUGE: list[tuple[str, str, bytes]] = [
    (TELEMETRY, Samples.TYPE, fill('{"version":"v","request":["a"],"prediction":[1],"time":[', lambda i: '""', "]}")),
    (TELEMETRY, Samples.TYPE, fill('{"version":"v","request":["a"],"prediction":[1],"time":[', lambda i: "1", "]}")),
    (TELEMETRY, Samples.TYPE, fill('{"version":"v","request":["a"],"features":{', lambda i: f'"!{i}":[1]', "}}")),
    (TELEMETRY, ModelRegistered.TYPE, fill('{"family":"f","champion":"v","features":[', lambda i: "{}", "]}")),
    (TELEMETRY, ModelRegistered.TYPE, fill('{"family":"f","champion":"v",', lambda i: f'"x{i}":1', "}")),
    (TELEMETRY, SignalObserved.TYPE, fill('{"layer":"service","attributes":{', lambda i: f'"x{i}":[]', "}}")),
    (TRACES, FamilyRegistered.TYPE, fill('{"baseline":"skip","arms":[', lambda i: "{}", "]}")),
    (TRACES, IncidentRecorded.TYPE, fill('{"incident":"i","symptoms":[', lambda i: "1", "]}")),
    (TRACES, EpisodeRecorded.TYPE, fill('{"episode":"e","curve":[', lambda i: '""', "]}")),
    (TELEMETRY, Samples.TYPE, b"[" * 4_000_000),
    (TELEMETRY, Samples.TYPE, b'{"version":' + b"9" * 4_000_000 + b"}"),
]


@pytest.mark.parametrize(("door", "type_", "value"), HUGE, ids=range(len(HUGE)))
def test_a_record_costs_no_more_than_it_weighs(door: str, type_: str, value: bytes) -> None:
    """Millions of errors in it are not made into millions of objects: the first one is said."""
    record = binary(door, type_, value, JSON)
    tracemalloc.start()
    try:
        said = said_of(door_of(door), record)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert said == "payload_invalid"
    assert peak < MOST_MEMORY


def bombs() -> list[bytes]:
    """Arrow that would grow by itself, or is of types that are no numbers."""
    import pyarrow as pa

    n = 8
    base: dict[str, Any] = {"request": [str(i) for i in range(n)], "time": [1.0] * n, "prediction": [1.0] * n}
    changes: list[dict[str, Any]] = [
        {"heat": pa.array(["x" * 100_000] * n).dictionary_encode()},
        {"heat": pa.array(["hot"] * n)},
        {"heat": pa.array([b"hot"] * n)},
        {"heat": pa.array([{"a": 1}] * n)},
        {"heat": pa.array([[1.0]] * n)},
        {"heat": pa.array([1] * n, pa.date32())},
        {"heat": pa.array([1] * n, pa.timestamp("us"))},
        {"heat": pa.RunEndEncodedArray.from_arrays([n], [1.0])},
        {"time": pa.array(["now"] * n)},
        {"time": pa.array([None] * n, pa.float64())},
        {"time": pa.array([None] * n, pa.timestamp("ns"))},
        {"request": pa.array([1.5] * n)},
        {"request": pa.array([None] * n, pa.string())},
        {"prediction": pa.array([None] * n)},
        {"prediction": pa.array(["1"] * n)},
    ]
    made = [_stream(pa.table(base | change)) for change in changes]
    made.append(_stream(pa.table(base), pa.ipc.IpcWriteOptions(compression="zstd")))
    made.append(_stream(pa.table(base | {"heat": pa.nulls(n)}).slice(0, 0)))
    few = _stream(pa.table({name: pa.nulls(1001) for name in base}))
    made += [
        few.replace((1001).to_bytes(8, "little"), length.to_bytes(8, "little")) for length in (2**40, 2**62, 2**64 - 1)
    ]
    return [*made, arrow_stream(20_000)]


def _stream(table: Any, options: Any = None) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata({"version": "v1"}), options=options) as writer:
        writer.write_table(table.replace_schema_metadata({"version": "v1"}))
    written: bytes = sink.getvalue().to_pybytes()
    return written


@pytest.mark.parametrize("value", bombs(), ids=range(len(bombs())))
def test_arrow_that_would_grow_is_refused(value: bytes) -> None:
    """Compressed, encoded, of other types, or of more rows than an event has: with the column and type named."""
    assert said_of(door_of(TELEMETRY), binary(TELEMETRY, Samples.TYPE, value, ARROW.encode())) == "payload_invalid"


def test_arrow_of_plain_columns_is_taken() -> None:
    """Times as timestamps of any unit, dates or numbers, requests as text or integers, missing features as nulls."""
    import pyarrow as pa

    base = {"request": pa.array([1, 2]), "prediction": pa.array([True, False]), "heat": pa.array([20, 30], pa.int8())}
    times = [pa.array([10, 20], kind) for kind in (pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.float32())]
    for time in (*times, pa.array([0, 86_400_000], pa.date64())):
        record = binary(TELEMETRY, Samples.TYPE, _stream(pa.table(base | {"time": time})), ARROW.encode())

        assert said_of(door_of(TELEMETRY), record) == "admitted", json.dumps(str(time.type))
