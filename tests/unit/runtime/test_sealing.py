"""The key of the snapshots: one file, the same for all hosts, made once, usable or refused with a reason."""

import os
from pathlib import Path

import pytest

from homeostat.codec import Record
from homeostat.runtime.errors import SealKeyUnusable
from homeostat.runtime.sealing import KEY_BYTES, Seals, load_keys, make_key, seals_of
from homeostat.runtime.settings import HostSettings


def record(seals: Seals, value: bytes = b"state") -> Record:
    headers = seals.headers("t", 0, b"k", value)
    return Record("t", "id", 0, 0, 0, b"k", value, headers)


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """Mode 0600, of 32 bytes, and left as it is by the next start."""
    path = tmp_path / "keys" / "snapshots.key"

    make_key(path)
    first = load_keys(path, is_required=True)
    make_key(path)

    assert load_keys(path, is_required=True) == first
    assert [len(key) for key in first] == [KEY_BYTES]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["snapshots.key"]


@pytest.mark.parametrize("name", ["", ".", "/", "a\0b"])
def test_a_path_that_names_no_file_is_refused(name: str) -> None:
    """Before anything is written."""
    with pytest.raises(SealKeyUnusable, match="names no file"):
        make_key(Path(name))


@pytest.mark.parametrize("text", ["", "\n", "zz", "00" * 31, "00" * 33, "00" * 32 + "\nx", "\x00", "é" * 64])
def test_what_holds_no_keys_is_refused(text: str, tmp_path: Path) -> None:
    """A short key, or half a file, would be a weak seal that nobody notices."""
    path = tmp_path / "snapshots.key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)

    with pytest.raises(SealKeyUnusable, match="64 hex digits"):
        load_keys(path, is_required=False)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As with the private keys."""
    path = tmp_path / "snapshots.key"
    make_key(path)
    path.chmod(0o644)

    with pytest.raises(SealKeyUnusable, match="0644"):
        load_keys(path, is_required=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Not: as if there were none."""
    path = tmp_path / "snapshots.key"
    make_key(path)
    path.chmod(0o000)

    with pytest.raises(SealKeyUnusable, match="cannot be read"):
        load_keys(path, is_required=False)


def test_a_key_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A host without it would write what the others do not believe; the default file may be missing."""
    named = HostSettings(data_dir=tmp_path, snapshots_key=tmp_path / "none")

    with pytest.raises(SealKeyUnusable, match="no such file"):
        seals_of(named)
    assert seals_of(HostSettings(data_dir=tmp_path)).fault(record(Seals())) == ""


def test_the_key_of_the_data_folder_is_used(tmp_path: Path) -> None:
    """What `homeostat up` has made."""
    settings = HostSettings(data_dir=tmp_path)
    make_key(settings.keys_dir / "snapshots.key")

    seals = seals_of(settings)

    assert seals.fault(record(seals)) == ""
    assert seals.fault(record(Seals())) == "is not sealed"
    assert seals_of(settings).fault(record(seals)) == ""


def test_adopting_needs_a_key() -> None:
    """Without one there is nothing to seal with."""
    assert not Seals(adopts=True).adopts
    assert Seals([bytes(32)], adopts=True).adopts
