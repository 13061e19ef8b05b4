"""Arrow IPC at a door: foreign bytes are looked through before anything is laid out in memory.

What a reader of Arrow would take on trust is refused first: compressed buffers and dictionaries (a kilobyte may name
gigabytes), more rows than an event has, types that are no numbers; then every buffer is validated in full.
Source: Arrow columnar format 1.5, "Serialization and Interprocess Communication".
"""

from struct import unpack_from
from typing import Any, Final

import numpy as np

from homeostat.codec.columns import MAX_ROWS
from homeostat.core import Reject
from homeostat.events.columns import F4, F8, Samples

ARROW: Final = "application/vnd.apache.arrow.stream"
_OWN: Final = ("request", "time", "prediction", "score", "label", "latency_seconds")
_NEEDED: Final = ("request", "time", "prediction")
_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS: Final = 86_400.0
_CONTRACT_DIGITS: Final = 15
_COMPRESSION: Final = 3
"""Field of a RecordBatch in the flatbuffers schema; its length is field 0, and a Message's header is field 2."""


def samples_of_arrow(value: bytes) -> Samples:
    """Read an Arrow IPC stream.

    Columns request (text or integers), time (seconds since the epoch, a timestamp or a date), prediction, score, label,
    latency_seconds; all others are features: numbers or booleans, null is missing. The schema's metadata names
    `version` and perhaps `role` and `contract`. Needs the extra `arrow`.

    Raises:
        Reject: `payload_invalid`, or `content_type_unknown` where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise Reject("content_type_unknown", "Arrow needs the extra: pip install 'homeostat[arrow]'") from None
    try:
        _look_through(value)
        table = pa.ipc.open_stream(value).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        raise Reject("payload_invalid", f"not an Arrow IPC stream: {str(error)[:300]}") from None
    return _samples(table)


def _look_through(value: bytes) -> None:
    """Refuse what would grow while it is read."""
    import pyarrow as pa

    n_rows = 0
    for message in pa.ipc.MessageReader.open_stream(value):
        if message.type == "schema":
            continue
        if message.type != "record batch":
            raise Reject("payload_invalid", f"an Arrow {message.type} is not taken: send columns of plain values")
        batch = _field(message.metadata.to_pybytes(), None, 2)
        n_rows += batch.integer(0)
        if batch.at(_COMPRESSION) is not None:
            raise Reject("payload_invalid", "compressed Arrow buffers are not taken: let Kafka compress the record")
        if not 0 <= n_rows <= MAX_ROWS:
            raise Reject("payload_invalid", f"an event has 1 to {MAX_ROWS} rows, not {n_rows}")


class _Table:
    """A table of a flatbuffer that pyarrow has verified. Source: FlatBuffers, "Internals"."""

    def __init__(self, raw: bytes, start: int) -> None:
        self._raw, self._start = raw, start
        self._fields = start - unpack_from("<i", raw, start)[0]

    def at(self, field: int) -> int | None:
        """Where a field lies; None if it is not set."""
        if 4 + 2 * field >= unpack_from("<H", self._raw, self._fields)[0]:
            return None
        offset: int = unpack_from("<H", self._raw, self._fields + 4 + 2 * field)[0]
        return self._start + offset if offset else None

    def integer(self, field: int) -> int:
        """Value of an int64 field."""
        at = self.at(field)
        return 0 if at is None else int(unpack_from("<q", self._raw, at)[0])


def _field(raw: bytes, table: _Table | None, field: int) -> _Table:
    """The table in a field of another one, or of the root."""
    table = table or _Table(raw, unpack_from("<I", raw)[0])
    at = table.at(field)
    if at is None:
        raise ValueError("a message has no header")
    return _Table(raw, at + unpack_from("<I", raw, at)[0])


def _samples(table: Any) -> Samples:
    names = table.column_names
    if len(set(names)) != len(names):
        raise Reject("payload_invalid", "two columns of the Arrow table have one name")
    try:
        metadata = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
    except UnicodeDecodeError:
        raise Reject("payload_invalid", "the metadata of the Arrow schema is not UTF-8") from None
    missing = [name for name in _NEEDED if name not in names]
    if missing or "version" not in metadata:
        raise Reject("payload_invalid", f"Arrow table lacks {', '.join(missing) or 'the metadata key version'}")
    role: Any = metadata.get("role", "champion")
    if role not in ("champion", "canary", "shadow"):
        raise Reject("payload_invalid", f"role is champion, canary or shadow, not {role[:100]!r}")

    contract = metadata.get("contract", "0")
    if not contract.isdecimal() or len(contract) > _CONTRACT_DIGITS:
        raise Reject("payload_invalid", f"contract is the number of one, not {contract[:100]!r}")

    def numbers(name: str) -> bytes:
        return _numbers(name, table.column(name)).tobytes() if name in names else b""

    features = [name for name in names if name not in _OWN]
    with np.errstate(over="ignore"):  # an infinity is refused by the contract
        values = b"".join(_numbers(name, table.column(name)).astype(F4).tobytes() for name in features)
    return Samples(
        version=metadata["version"],
        role=role,
        request=_requests(table.column("request")),
        time=_times(table.column("time")).tobytes(),
        features=features,
        values=values,
        prediction=numbers("prediction"),
        score=numbers("score") or np.full(table.num_rows, np.nan, F8).tobytes(),
        label=numbers("label"),
        latency_seconds=numbers("latency_seconds"),
        contract=int(contract),
    )


def _numbers(name: str, column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column as float64; null is NaN."""
    import pyarrow as pa

    kind = column.type
    types = pa.types
    if types.is_floating(kind):  # as it nearly always is; a cast takes ten times as long
        floats: np.ndarray[Any, np.dtype[np.float64]] = column.to_numpy().astype(F8, copy=False)
        return floats
    if not (types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind)):
        if types.is_null(kind):
            return np.full(len(column), np.nan, F8)
        raise Reject("payload_invalid", f"column {name[:128]} is of type {str(kind)[:100]}: it holds numbers")
    if types.is_boolean(kind):
        column = column.cast(pa.uint8())
    numbers: np.ndarray[Any, np.dtype[np.float64]] = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers.astype(F8, copy=False)


def _times(column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds since the epoch, of numbers, timestamps (UTC if they name no zone) and dates."""
    import pyarrow as pa

    kind = column.type
    if column.null_count:
        raise Reject("payload_invalid", "time has nulls")
    if pa.types.is_timestamp(kind):
        return _numbers("time", column.cast(pa.int64())) / _UNITS[kind.unit]
    if pa.types.is_date(kind):
        return _numbers("time", column.cast(pa.date32()).cast(pa.int32())) * _DAY_SECONDS
    return _numbers("time", column)


def _requests(column: Any) -> list[str]:
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise Reject("payload_invalid", f"request is of type {str(kind)[:100]}: it holds text")
    if column.null_count:
        raise Reject("payload_invalid", "request has nulls")
    return [str(request) for request in column.to_pylist()]
