"""What a backup says of itself, and the digests that it is held against."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from homeostat.codec import Record
from homeostat_tools.cli.exit_codes import CommandFailed, Exit, not_found

FILE: Final = "manifest.json"
FORMAT: Final = 1
_CHUNK: Final = 1 << 20


class TopicBackup(msgspec.Struct, frozen=True):
    """One topic.

    Args:
        name: Of the topic.
        file: Below the folder.
        partitions: Number.
        topic_id: Incarnation that it was taken of: the restored one has another.
        records: Number.
        digests: sha256 of the records of each partition, in order.
    """

    name: str
    file: str
    partitions: int
    topic_id: str
    records: int
    digests: list[str]


class Manifest(msgspec.Struct, frozen=True):
    """The whole backup.

    Args:
        format: Of this file.
        release: That took it.
        taken_at: Seconds since the epoch.
        topics: Each.
        files: sha256 by path below `data/`.
        settings: Variables `HOMEOSTAT_…` that were set; secrets are left out.
    """

    format: int
    release: str
    taken_at: int
    topics: list[TopicBackup]
    files: dict[str, str]
    settings: dict[str, str]


def digests_of(records: Iterable[Record], partitions: int) -> tuple[list[str], int]:
    """Return the digest of each partition and the number of records; offsets are not in it, a restore has others."""
    hashes, n = [hashlib.sha256() for _ in range(partitions)], 0
    for n, record in enumerate(records, 1):  # noqa: B007  # its last value is the number of records
        headers = [(name, value or b"") for name, value in record.headers]
        hashes[record.partition].update(msgspec.msgpack.encode((record.timestamp, record.key, record.value, headers)))
    return [each.hexdigest() for each in hashes], n


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read what a folder holds.

    Raises:
        CommandFailed: There is no backup, or one of another format.
    """
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise not_found(f"no backup in {folder}: it has no {FILE}, which is written last") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise CommandFailed(Exit.FAILED, f"{folder / FILE} cannot be read: {error}") from None
    if found.format != FORMAT:
        raise CommandFailed(Exit.OTHER_VERSION, f"{folder} is of format {found.format}; this release reads {FORMAT}")
    return found
