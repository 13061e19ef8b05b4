"""Tables as columns: CSV with a header (also gzipped) and Parquet."""

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from homeostat.adapters.cells import Column
from homeostat.adapters.errors import UnreadablePayload

TABLES: Final = (".csv", ".csv.gz", ".tsv", ".parquet")


def read_columns(path: Path) -> dict[str, Column]:
    """Read a whole table, column by column, in the order of the file.

    Args:
        path: `.csv`, `.csv.gz`, `.tsv` or `.parquet`; UTF-8, with a header.

    Raises:
        UnreadablePayload: It is no such table, or reading it needs pyarrow, which is not installed.
        OSError: It cannot be read.
    """
    if path.name.endswith(".parquet"):
        return _parquet(path)
    if not path.name.endswith(TABLES):
        raise UnreadablePayload(path.name, f"is no table that is known: {', '.join(TABLES)}")
    delimiter = "\t" if path.name.endswith(".tsv") else ","
    try:
        opened = gzip.open if path.name.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            return _csv(path, file, delimiter)
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise UnreadablePayload(path.name, f"cannot be read as UTF-8 text with columns: {error}") from None


def _csv(path: Path, file: Iterable[str], delimiter: str) -> dict[str, Column]:
    rows = csv.reader(file, delimiter=delimiter)
    header = next(rows, [])
    names = [name.strip() for name in header]
    if not names or len(set(names)) != len(names):
        raise UnreadablePayload(path.name, "needs a header that names each column once")
    cells: list[list[str | None]] = [[] for _ in names]
    for row in rows:
        if not row:
            continue
        for index, column in enumerate(cells):  # a row that is too short is refused for what it lacks
            column.append(row[index] if index < len(row) else None)
    return dict(zip(names, cells, strict=True))


def _parquet(path: Path) -> dict[str, Column]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise UnreadablePayload(path.name, "Parquet needs pyarrow: pip install 'homeostat[arrow]'") from None
    try:
        table = parquet.read_table(path)
    except pa.ArrowException as error:
        raise UnreadablePayload(path.name, f"is no Parquet file: {error}") from None
    columns: dict[str, Column] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        is_plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind)
        has_gaps = column.null_count and not pa.types.is_timestamp(kind)
        columns[name] = column.to_numpy() if is_plain and not has_gaps else column.to_pylist()
    return columns
