"""A folder of history: its tables, and a file that says how they are read."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat_tools.history.files import TABLES
from homeostat_tools.history.mapping import read_mapping
from homeostat_tools.history.table import read_table
from homeostat_tools.history.unreadable import OnUnreadable, raise_unreadable

MAPPING_FILE: Final = "history.toml"


def read_folder(path: Path, on_unreadable: OnUnreadable = raise_unreadable) -> Iterator[AdaptedEvent]:
    """Read all tables of a folder as one history, in the order of time.

    Args:
        path: Folder with `history.toml` (a `TableMapping`) and tables beside it; folders in it are not looked into.
        on_unreadable: As in `read_table`.

    Raises:
        UnreadablePayload: There is no mapping or no table in it, or one of them cannot be read.
        OSError: There is no such folder.
    """
    if not (path / MAPPING_FILE).is_file():
        raise UnreadablePayload(str(path), f"has no {MAPPING_FILE}, which says what the columns of its tables mean")
    mapping = read_mapping(path / MAPPING_FILE)
    tables = sorted(file for file in path.iterdir() if file.name.endswith(TABLES))
    if not tables:
        raise UnreadablePayload(str(path), f"has no table: {', '.join(TABLES)}")
    yield from heapq.merge(*(read_table(table, mapping, on_unreadable) for table in tables), key=lambda e: e.time)
