"""A pointer holds one object, whole: the old bytes or the new ones."""

from pathlib import Path

import pytest

from homeostat.artifacts import Pointer, StoreUnavailable, StoreUrlInvalid, open_pointer
from homeostat.artifacts.pointer import ObjectPointer


def pointers(folder: Path) -> list[Pointer]:
    """One of each kind."""
    store = pytest.importorskip("obstore.store")
    return [
        open_pointer(folder / "deep" / "a.json"),
        open_pointer((folder / "b.json").as_uri()),
        ObjectPointer(store.MemoryStore(), "c.json", "memory://bucket/c.json"),
    ]


def test_what_was_written_last_is_read(tmp_path: Path) -> None:
    """Nothing before the first write; in a file as in a bucket."""
    for pointer in pointers(tmp_path):
        before = pointer.read()
        pointer.write(b"one")
        pointer.write(b"two")

        assert (before, pointer.read()) == (None, b"two"), pointer.url


def test_a_file_that_cannot_be_written_keeps_what_it_had(tmp_path: Path) -> None:
    """And says so."""
    (tmp_path / "a").write_bytes(b"no folder")
    pointer = open_pointer(tmp_path / "a" / "b.json")

    with pytest.raises(StoreUnavailable, match=r"a/b\.json"):
        pointer.write(b"x")
    with pytest.raises(StoreUnavailable):
        pointer.read()


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "nonsense://bucket/name"])
def test_an_address_that_names_no_object_is_told(url: str) -> None:
    """At the start, not when the first checkpoint is due."""
    pytest.importorskip("obstore")

    with pytest.raises(StoreUrlInvalid):
        open_pointer(url)
