"""A folder of history: tables, exports, and a file that says how they are read."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat.adapters import Target, UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat_tools.history.exports import EXPORTS, read_export
from homeostat_tools.history.files import TABLES
from homeostat_tools.history.mapping import TableMapping, read_mapping
from homeostat_tools.history.table import read_table
from homeostat_tools.history.unreadable import OnUnreadable, raise_unreadable

MAPPING_FILE: Final = "history.toml"
MLRUNS: Final = "mlruns"


def read_folder(path: Path, on_unreadable: OnUnreadable = raise_unreadable) -> Iterator[AdaptedEvent]:
    """Read all tables and exports of a folder as one history, in the order of time.

    Args:
        path: Folder with `history.toml` (a `TableMapping`), tables, and exports whose names begin as in `EXPORTS`
            (`prometheus-errors.json`, `kserve.jsonl`), or `mlruns`. Other files and folders are not looked into.
        on_unreadable: As in `read_table`.

    Raises:
        UnreadablePayload: There is no mapping or nothing to read in it, or one of them cannot be read.
        OSError: There is no such folder.
    """
    if not (path / MAPPING_FILE).is_file():
        raise UnreadablePayload(str(path), f"has no {MAPPING_FILE}, which says what the columns of its tables mean")
    mapping = read_mapping(path / MAPPING_FILE)
    readers = [
        reader for file in sorted(path.iterdir()) if (reader := _reader(file, mapping, on_unreadable)) is not None
    ]
    if not readers:
        beginnings = ", ".join(f"{name}*" for name in EXPORTS)
        raise UnreadablePayload(str(path), f"has no table ({', '.join(TABLES)}) and no export ({beginnings})")
    yield from heapq.merge(*readers, key=lambda event: event.time)


def _reader(file: Path, mapping: TableMapping, on_unreadable: OnUnreadable) -> Iterator[AdaptedEvent] | None:
    if file.name.endswith(TABLES):
        return read_table(file, mapping, on_unreadable)
    format_ = next((name for name in EXPORTS if file.name.startswith(name)), None)
    if file.name == MLRUNS:
        format_ = "mlflow"
    if format_ is None:
        return None
    if mapping.subject is None:
        raise UnreadablePayload(str(file), f"needs a subject in {MAPPING_FILE}: scope/model")
    scope = mapping.subject.partition("/")[0]
    subject = f"{scope}/{mapping.family or 'default'}" if format_ == "mlflow" else mapping.subject
    return read_export(format_, file, Target(subject=subject, classes=mapping.classes), on_unreadable)
