"""Recorded histories, folded again by the code of today, say what they said when they were recorded.

A fold that says something else on purpose is another version: record again with
`python -m tests.support.histories`, and say in the changelog what is different.
"""

import json
from pathlib import Path

import pytest
from tests.support.histories import OUTPUTS, digests, read, write

from homeostat_tools.cli.folds import fold_of
from homeostat_tools.local_stack.services import inputs

FOLDS = inputs()

HISTORIES = Path(__file__).parent / "histories"
MAX_FILE_BYTES = 400_000
MAX_BYTES = 1_500_000
"""A repository is cloned by everybody: histories stay small."""


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_says_what_it_said(name: str) -> None:
    """Byte for byte: keys, values and CloudEvents headers of every output, per topic."""
    recorded = json.loads((HISTORIES / OUTPUTS).read_text("utf-8"))

    said = digests(fold_of(name), HISTORIES)

    assert said == recorded[name], f"{name} says something else: record again, see the top of this file"


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.jsonl.gz")), ids=lambda path: path.name)
def test_a_history_is_read_as_it_was_written(path: Path, tmp_path: Path) -> None:
    """Bytes that are no text, missing keys and all."""
    records = [record for _, partition in sorted(read(path).items()) for record in partition]

    again = write(tmp_path, records[0].topic, records)

    assert read(again) == read(path)


def test_histories_are_small() -> None:
    """Below the limits of this file."""
    sizes = {path.name: path.stat().st_size for path in HISTORIES.iterdir()}

    assert max(sizes.values()) < MAX_FILE_BYTES
    assert sum(sizes.values()) < MAX_BYTES
