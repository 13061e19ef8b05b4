"""Recorded input logs of a run, one file per log, and what every fold said to them.

`python -m tests.support.histories [FOLDER]` records a fresh run; do it when a fold changes what it
says on purpose, and say so in the changelog.
"""

import gzip
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from homeostat.codec import Record
from homeostat.core import Fold
from homeostat.events.logs import by_name
from homeostat.runtime.replay import replay
from homeostat.testing.trial import line_of

HISTORIES: Final = Path("tests/replay/histories")
OUTPUTS: Final = "outputs.json"
"""Next to the histories: number and digest of what each fold said, by output topic."""

PARTITIONS: Final = 2
_SUFFIX: Final = ".jsonl.gz"

_SHOWN: Final = {byte: 0x100 + byte for byte in range(32)}
"""Bytes as characters: Latin-1, but no control characters, which JSON writes with six letters each."""
_HIDDEN: Final = {0x100 + byte: byte for byte in range(32)}


def n_partitions(topic: str) -> int:
    """Partitions of a log when the histories were recorded."""
    return by_name(topic).partitions or PARTITIONS


def _text(raw: bytes | None) -> str | dict[str, str] | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"bytes": raw.decode("latin-1").translate(_SHOWN)}


def _raw(text: str | dict[str, str] | None) -> bytes | None:
    if text is None:
        return None
    return text.encode() if isinstance(text, str) else text["bytes"].translate(_HIDDEN).encode("latin-1")


def write(folder: Path, topic: str, records: Sequence[Record]) -> Path:
    """Write a log: one JSON line per record, text as it is, other bytes one character each.

    Returns:
        The file, `<topic>.jsonl.gz`; equal records give equal bytes.
    """
    lines = [
        json.dumps(
            {
                "topic_id": record.topic_id,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": record.timestamp,
                "key": _text(record.key),
                "value": _text(record.value),
                "headers": [[name, _text(value)] for name, value in record.headers],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for record in records
    ]
    path = folder / f"{topic}{_SUFFIX}"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), compresslevel=9, mtime=0))
    return path


def read(path: Path) -> dict[int, list[Record]]:
    """Read what `write` wrote, by partition, in offset order."""
    topic = path.name.removesuffix(_SUFFIX)
    partitions: dict[int, list[Record]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().split("\n"):
        read_: dict[str, Any] = json.loads(line)
        record = Record(
            topic,
            read_["topic_id"],
            read_["partition"],
            read_["offset"],
            read_["timestamp"],
            _raw(read_["key"]),
            _raw(read_["value"]),
            [(name, _raw(value) or b"") for name, value in read_["headers"]],
        )
        partitions.setdefault(record.partition, []).append(record)
    return partitions


def history_of(fold: Fold[Any], folder: Path) -> dict[int, list[Record]]:
    """The recorded log that a fold reads, by partition."""
    return read(folder / f"{fold.log}{_SUFFIX}")


def digests(fold: Fold[Any], folder: Path) -> dict[str, dict[str, str | int]]:
    """Fold a history; return number and sha256 of the outputs, by topic, in the order of partitions and offsets."""
    hashes: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for _, records in sorted(history_of(fold, folder).items()):
        for output in replay(fold, records, n_partitions):
            counts[output.topic] = counts.get(output.topic, 0) + 1
            hash_ = hashes.setdefault(output.topic, hashlib.sha256())
            for part in (str(output.partition).encode(), *line_of(output)):
                hash_.update(len(part).to_bytes(4, "little") + part)
    return {topic: {"n": counts[topic], "sha256": hashes[topic].hexdigest()} for topic in sorted(hashes)}


def record(folder: Path) -> list[Path]:
    """Rehearse the loop, and write every input log and what the folds say to it.

    Returns:
        The files.
    """
    from tests.support.memory_scenario import rehearse

    from homeostat_lab.demo.memory_loop import folds, in_memory  # with torch: whoever only reads does without

    with in_memory(partitions=PARTITIONS) as system:
        rehearse(system)
        logs = {topic: system.records(topic) for topic in sorted({fold.log for fold in folds()})}
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*{_SUFFIX}"):
        old.unlink()
    written = [write(folder, topic, records) for topic, records in logs.items()]
    said = {fold.name: digests(fold, folder) for fold in folds()}
    (folder / OUTPUTS).write_text(json.dumps(said, indent=1) + "\n")
    return [*written, folder / OUTPUTS]


if __name__ == "__main__":
    for file in record(Path(sys.argv[1]) if len(sys.argv) > 1 else HISTORIES):
        sys.stdout.write(f"{file.stat().st_size:8d} {file}\n")
