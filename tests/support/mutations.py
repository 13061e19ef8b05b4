"""Valid records of every format, and what becomes of them on a bad day: `python -m tests.support.mutations`.

Every mutated record goes through its door, in this process, under limits of memory and time that end it: a decoder that
crashes, hangs or eats memory is seen as the end of the process, which names the seed.
"""

import argparse
import faulthandler
import json
import random
import resource
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from tests.support import invalid_events as nonsense

from homeostat.codec import Record, encode_payload
from homeostat.codec.arrow import ARROW
from homeostat.codec.encode import MSGPACK
from homeostat.codec.record import Headers
from homeostat.core import Fold
from homeostat.events import Labels, LabelsObserved, Samples, SamplesObserved
from homeostat.events.logs import QUARANTINE, TELEMETRY
from homeostat.runtime.replay import replay

JSON: Final = b"application/json"
_STRUCTURED: Final = b"application/cloudevents+json"
_MEMORY_BYTES: Final = 3 * 2**30
_INTERESTING: Final = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80", b'"', b"{", b"[", b"\xc3\x28")
_LAPSE_SECONDS: Final = 20
"""One record that takes longer ends the process."""


def corpus() -> Iterator[Record]:
    """Yield one good record of every format and type that the doors take."""
    for door, (type_, data) in nonsense.TAKES.items():
        yield binary(door, type_, json.dumps(data).encode(), JSON)
        yield _structured(door, type_, {"data": data})
    contract = encode_payload(nonsense.CONTRACT)[0]
    yield binary(TELEMETRY, nonsense.CONTRACT.TYPE, contract, JSON)
    for columns in (nonsense.samples(3), Labels(["r-0"], b"\0" * 8, b"\0" * 8)):
        value = msgspec.msgpack.encode(columns)
        yield binary(TELEMETRY, columns.TYPE, value, MSGPACK)
        encoded = {"datacontenttype": MSGPACK.decode(), "data_base64": b64encode(value).decode()}
        yield _structured(TELEMETRY, columns.TYPE, encoded)
    rows = SamplesObserved(version="v1", request=["a", "b"], time=[1.0, 2.0], prediction=[0.0, 1.0])
    for model in (rows, LabelsObserved(request=["r-0"], label=[1.0], time=[2.0])):
        yield binary(TELEMETRY, model.TYPE, model.model_dump_json().encode(), JSON)
    yield binary(TELEMETRY, Samples.TYPE, arrow_stream(), ARROW.encode())


def arrow_stream(n: int = 5) -> bytes:
    """`n` rows as an Arrow IPC stream; needs pyarrow."""
    import pyarrow as pa

    columns = {
        "request": pa.array([f"r-{row}" for row in range(n)]),
        "time": pa.array(np.arange(n) * 1_000_000, pa.timestamp("us")),
        "prediction": pa.array(np.arange(n), pa.int32()),
        "score": pa.array([None, *[0.5] * (n - 1)], pa.float32()),
        "heat": pa.array([20.0] * n),
    }
    table = pa.table(columns).replace_schema_metadata({"version": "v1", "role": "champion"})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _record(door: str, value: bytes | None, headers: Headers, key: bytes | None = None) -> Record:
    claims = list(nonsense.CLAIM.items()) if door in nonsense.SIGNED else []
    return Record(door, "topic", 0, 0, 1000, key or nonsense.KEYS[door].encode(), value, [*headers, *claims])


def binary(door: str, type_: str, value: bytes, content_type: bytes) -> Record:
    attributes = {"specversion": "1.0", "id": "1", "source": "/fuzz", "type": type_, "time": "2026-01-01T00:00:00Z"}
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return _record(door, value, [*headers, ("content-type", content_type), ("traceparent", b"00-1-2-01")])


def _structured(door: str, type_: str, data: dict[str, Any]) -> Record:
    event = {"specversion": "1.0", "id": "1", "source": "/fuzz", "type": type_, **data}
    return _record(door, json.dumps(event).encode(), [("content-type", _STRUCTURED)])


def mutate(chance: random.Random, record: Record) -> Record:
    """Change a record in one to four places: its value, mostly, or its key, or its headers."""
    key, value, headers = record.key, record.value, list(record.headers)
    for _ in range(chance.randint(1, 4)):
        where = chance.random()
        if where < 0.75:
            value = _mutated(chance, value or b"")
        elif where < 0.85:
            key = chance.choice([None, b"", _mutated(chance, key or b"")])
        elif headers:
            at = chance.randrange(len(headers))
            name, text = headers[at]
            changed: Any = chance.choice([None, _mutated(chance, text or b""), text])
            headers[at] = (chance.choice([name, name.upper(), name[1:]]), changed)
            if chance.random() < 0.2:
                del headers[at]
    if chance.random() < 0.02:
        value = None
    return Record(record.topic, record.topic_id, 0, 0, 1000, key, value, headers)


def _mutated(chance: random.Random, raw: bytes) -> bytes:
    at = chance.randint(0, len(raw))
    changes: tuple[Callable[[], bytes], ...] = (
        lambda: raw[:at],
        lambda: raw[at:],
        lambda: raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :],
        lambda: raw[:at] + bytes([(raw[at : at + 1] or b"\0")[0] ^ (1 << chance.randrange(8))]) + raw[at + 1 :],
        lambda: raw[:at] + chance.choice(_INTERESTING) + raw[at + chance.choice((0, 1, 4)) :],
        lambda: raw[:at] + raw[chance.randint(0, len(raw)) :],
        lambda: raw[:at] + raw[at : at + 20] * chance.choice((2, 50)) + raw[at + 20 :],
        lambda: chance.randbytes(chance.randint(0, 60)),
    )
    return chance.choice(changes)()


def said_of(fold: Fold[Any], record: Record) -> str:
    """Let a record through a door where a model is registered; return what became of it: `admitted`, or a reason.

    Raises:
        Exception: The door does not go on; that is a defect.
    """
    first = _record(record.topic, record.value, record.headers, record.key)
    records = [first]
    if record.topic == TELEMETRY:
        known = binary(TELEMETRY, nonsense.CONTRACT.TYPE, encode_payload(nonsense.CONTRACT)[0], JSON)
        records = [known, Record(record.topic, "topic", 0, 1, 1000, record.key, record.value, record.headers)]
    outputs = replay(fold, records, lambda _: 1)
    refused = [output for output in outputs if output.topic == QUARANTINE]
    return str(json.loads(refused[-1].value or b"{}")["reason"]) if refused else "admitted"


def play(make: Callable[[str], Fold[Any]], seed: int, n: int, good: Sequence[Record]) -> Counter[str]:
    """Mutate `n` records from a seed on; count what became of them."""
    found: Counter[str] = Counter()
    for number in range(seed, seed + n):
        chance = random.Random(number)  # made-up input
        record = mutate(chance, chance.choice(good))
        faulthandler.dump_traceback_later(_LAPSE_SECONDS, exit=True)
        try:
            found[said_of(make(record.topic), record)] += 1
        except BaseException:
            sys.stderr.write(f"seed {number}: {record!r:.2000}\n")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Mutate until the time is over; the exit code is that of a crash if there is one."""
    from homeostat_tools.cli.folds import fold_of

    parser = argparse.ArgumentParser(description="Send mutated records through the doors.")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="", help="of this content type")
    wanted = parser.parse_args(argv)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    good = [r for r in corpus() if wanted.only.encode() in dict(r.headers)["content-type"]]
    found, n, deadline = Counter[str](), 0, time.monotonic() + wanted.seconds
    while time.monotonic() < deadline:
        found += play(lambda door: fold_of(door.replace("homeostat", "intake")), wanted.seed + n, 200, good)
        n += 200
        sys.stdout.write(f"\r{n} records from seed {wanted.seed}")
        sys.stdout.flush()
    sys.stdout.write("\n" + "".join(f"{reason} {count}\n" for reason, count in found.most_common()))


if __name__ == "__main__":
    main()
