"""A log in a file: one JSON object per record, everything verbatim, gzip."""

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from homeostat.codec import Record
from homeostat_tools.cli.exit_codes import usage


def write_export(path: Path, records: Iterable[Record]) -> int:
    """Write records; an earlier file stays as it was until the new one is whole.

    Returns:
        How many.
    """
    draft, n = path.with_name(f".{path.name}.part"), 0
    try:
        with gzip.open(draft, "wt", encoding="utf-8") as file:
            for n, record in enumerate(records, 1):  # noqa: B007  # its last value is the number of records
                file.write(json.dumps(_row(record)) + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return n


def read_export(path: Path) -> Iterator[Record]:
    """Yield the records of an export, in the order in which they were written.

    Raises:
        CommandFailed: It is none, or breaks off.
        OSError: It cannot be opened.
    """
    number = 0
    with path.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as file:
        while True:
            number += 1
            try:
                line = file.readline()
                if not line:
                    return
                record = _record(json.loads(line))
            except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f"line {number}: {type(error).__name__}: {error}"
                raise usage(f"{path} is not an export, or not all of one: {why}; homeostat export writes one") from None
            yield record


def _record(row: dict[str, Any]) -> Record:
    headers = [(str(name), b64decode(value)) for name, value in row.pop("headers")]
    key, value = row.pop("key"), row.pop("value")
    return Record(
        **row,
        key=None if key is None else b64decode(key),
        value=None if value is None else b64decode(value),
        headers=headers,
    )


def _row(record: Record) -> dict[str, object]:
    return {
        "topic": record.topic,
        "topic_id": record.topic_id,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": None if record.key is None else b64encode(record.key).decode(),
        "value": None if record.value is None else b64encode(record.value).decode(),
        "headers": [[name, b64encode(value or b"").decode()] for name, value in record.headers],
    }
