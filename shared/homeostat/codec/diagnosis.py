"""What somebody else's bytes probably are: the sentence that saves an hour when a record is refused."""

from typing import Final

_MAGIC: Final = (
    (b"\xef\xbb\xbf", "it begins with a byte order mark: write UTF-8 without one"),
    (b"\xff\xfe", "it is UTF-16: write UTF-8"),
    (b"\xfe\xff", "it is UTF-16: write UTF-8"),
    (b"\x1f\x8b", "it is gzip: write it plain, and let Kafka compress (compression.type)"),
    (b"\x28\xb5\x2f\xfd", "it is zstd: write it plain, and let Kafka compress (compression.type)"),
    (b"\x04\x22\x4d\x18", "it is LZ4: write it plain, and let Kafka compress (compression.type)"),
    (b"\xff\x06\x00\x00sNaPpY", "it is snappy: write it plain, and let Kafka compress (compression.type)"),
    (b"Obj\x01", "it is an Avro file: JSON, msgpack or Arrow is taken"),
    (b"PAR1", "it is a Parquet file: JSON, msgpack or Arrow is taken"),
    (b"ARROW1", "it is an Arrow file: the stream format is taken (pyarrow.ipc.new_stream)"),
    (b"\xac\xed\x00\x05", "it is a serialised Java object: use a JSON serializer"),
    (b"\x80\x04\x95", "it is a Python pickle, which is never read: send JSON"),
    (b"\x80\x05\x95", "it is a Python pickle, which is never read: send JSON"),
    (b"<", "it is XML or HTML: JSON is taken"),
)
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"
_CONFLUENT_HEAD: Final = 5
_LOOKED_AT: Final = 4096


def diagnose(value: bytes | None, content_type: bytes | None) -> str:
    """Name what a refused value looks like, and what would be right; empty if nothing is known.

    Args:
        value: Verbatim.
        content_type: Of the record, verbatim.
    """
    if value is None:
        return "the value is null: a tombstone deletes nothing at a door"
    if not value.strip():
        return "the value is empty" if not value else "the value is blank"
    if value[:1] == b"\0" and len(value) > _CONFLUENT_HEAD:
        schema = int.from_bytes(value[1:_CONFLUENT_HEAD], "big")
        return (
            f"it has the head of Confluent's wire format (schema id {schema}): use a plain JSON serializer, without a "
            "schema registry"
        )
    for magic, said in _MAGIC:
        if value.startswith(magic):
            return said
    return _by_content_type(value, (content_type or b"").lower()) or _by_encoding(value)


def _by_content_type(value: bytes, content_type: bytes) -> str:
    """Whether the bytes are another format's than the header says."""
    first = value.lstrip()[:1]
    is_msgpack = value[0] >> 4 == 0x8 or value[0] in (0xDE, 0xDF)
    if b"msgpack" in content_type or b"arrow" in content_type:
        if first in (b"{", b"["):
            return "it looks like JSON: set content-type to application/json"
        if b"arrow" in content_type and is_msgpack:
            return "it looks like msgpack: set content-type to application/msgpack"
        if b"msgpack" in content_type and value.startswith(_ARROW_STREAM):
            return "it looks like Arrow: set content-type to application/vnd.apache.arrow.stream"
        return ""
    if value.startswith(_ARROW_STREAM):
        return "it looks like Arrow: set content-type to application/vnd.apache.arrow.stream"
    if is_msgpack:
        return "it looks like msgpack: set content-type to application/msgpack"
    if first == b'"' and b'{\\"' in value[:_LOOKED_AT]:
        return "it is a JSON string that holds JSON: it was encoded twice"
    if first == b"[":
        return "it is a JSON array: an object is taken, one event a record"
    return ""


def _by_encoding(value: bytes) -> str:
    head = value[:_LOOKED_AT]
    if b"\0" in head[:4]:
        return "it is UTF-16 or UTF-32: write UTF-8"
    try:
        value.decode()
    except UnicodeDecodeError as error:
        if value.lstrip()[:1] in (b"{", b"["):
            return f"it is not UTF-8 (byte {error.start}; Latin-1, perhaps): write UTF-8"
        return ""
    for word in (b"NaN", b"Infinity"):
        if word in head and value.lstrip()[:1] == b"{":
            return f"{word.decode()} is no JSON: leave it out, or write null"
    return ""
