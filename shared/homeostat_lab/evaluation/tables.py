"""Comma-separated files, plain or compressed: what the bytes are is decided by the bytes, not by the name."""

import csv
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, cast

_GZIP: Final = b"\x1f\x8b"


def rows(path: Path) -> Iterator[list[str]]:
    """Yield every line that is not empty, the header first, its cells without spaces around them."""
    with _opened(path) as text:
        for line in csv.reader(text):
            if line:
                yield [cell.strip() for cell in line]


def header(path: Path) -> list[str]:
    """Return the names of the columns; none of an empty file."""
    return next(rows(path), [])


def records(path: Path) -> Iterator[dict[str, str]]:
    """Yield every line under the names of the columns."""
    lines = rows(path)
    names = next(lines, [])
    for line in lines:
        yield dict(zip(names, line, strict=False))


def found(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a pattern that ends in `.csv`, compressed ones too, in the order of their names.

    Args:
        folder: Where.
        pattern: Of the names, without `.gz`.

    Raises:
        FileNotFoundError: There is none; says what was looked for.
    """
    paths = sorted([*folder.glob(pattern), *folder.glob(f"{pattern}.gz")])
    if not paths:
        raise FileNotFoundError(f"no {pattern}, plain or .gz, in {folder}")
    return paths


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as file:
        is_compressed = file.read(2) == _GZIP
    with cast(TextIO, gzip.open(path, "rt", newline="")) if is_compressed else path.open(newline="") as text:
        yield text
