"""Keys on disk: private, whole, never overwritten."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from homeostat.audit import keys
from homeostat.audit.signing import verify


def test_a_created_key_is_loaded_as_it_was(tmp_path: Path) -> None:
    """The file holds the whole key."""
    created = keys.create(tmp_path, "notary")

    loaded = keys.load(tmp_path, "notary")

    assert loaded == created
    assert verify(created.public_key_hex, loaded.sign(b"x"), b"x")


def test_only_the_owner_can_read_a_key(tmp_path: Path) -> None:
    """Folder 0700, file 0600."""
    keys.create(tmp_path / "keys", "notary")

    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "notary.pem").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """A second `create` refuses and leaves the first key."""
    first = keys.create(tmp_path, "notary")

    with pytest.raises(keys.KeyExists, match="not overwritten"):
        keys.create(tmp_path, "notary")

    assert keys.load(tmp_path, "notary") == first


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    """The error holds the command."""
    with pytest.raises(keys.KeyMissing, match="homeostat keys create notary"):
        keys.load(tmp_path, "notary")


def test_an_open_key_is_refused(tmp_path: Path) -> None:
    """A key that strangers could read signs nothing."""
    keys.create(tmp_path, "notary")
    (tmp_path / "notary.pem").chmod(0o644)

    with pytest.raises(keys.KeyUnusable, match="0644"):
        keys.load(tmp_path, "notary")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\x00\xff"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Half a key is no key."""
    (tmp_path / "notary.pem").write_bytes(content)
    (tmp_path / "notary.pem").chmod(0o600)

    with pytest.raises(keys.KeyUnusable, match="PEM"):
        keys.load(tmp_path, "notary")


def test_another_algorithm_is_refused(tmp_path: Path) -> None:
    """Only Ed25519."""
    pem = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "notary.pem").write_bytes(pem)
    (tmp_path / "notary.pem").chmod(0o600)

    with pytest.raises(keys.KeyUnusable, match="Ed25519"):
        keys.load(tmp_path, "notary")


def test_rotation_keeps_the_old_key_beside_the_new(tmp_path: Path) -> None:
    """The name points at the new key; the old one stays under its id, as private."""
    first = keys.create(tmp_path, "notary")

    old, new = keys.rotate(tmp_path, "notary")

    retired = tmp_path / f"notary.{first.key_id}.pem"
    assert old == first
    assert new == keys.load(tmp_path, "notary") != first
    assert stat.S_IMODE(retired.stat().st_mode) == 0o600
    left = [retired.name, retired.with_suffix(".pub").name, "notary.pem", "notary.pub"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(left)


def test_public_keys_need_no_private_one(tmp_path: Path) -> None:
    """Whoever checks signatures reads the `.pub` files: of the key, and of those it has replaced; nobody else's."""
    first = keys.create(tmp_path, "notary")
    keys.create(tmp_path, "notary-of-another")
    second = keys.rotate(tmp_path, "notary")[1]
    for private in tmp_path.glob("*.pem"):
        private.unlink()

    found = keys.public_keys(tmp_path, "notary")

    assert found == {key.key_id: key.public_key_hex for key in (first, second)}


def test_a_rotation_that_stopped_half_way_knows_every_key(tmp_path: Path) -> None:
    """The public halves are written before the new key is in place, so the old one is never forgotten."""
    first = keys.create(tmp_path, "notary")
    old_pem = (tmp_path / "notary.pem").read_bytes()
    keys.rotate(tmp_path, "notary")
    (tmp_path / "notary.pem").write_bytes(old_pem)  # as if the last write had not been reached

    third = keys.rotate(tmp_path, "notary")[1]

    assert {first.key_id, third.key_id} <= set(keys.public_keys(tmp_path, "notary"))


def test_a_missing_public_key_says_how_to_write_it(tmp_path: Path) -> None:
    """Without it nothing can be checked."""
    with pytest.raises(keys.KeyMissing, match="homeostat keys show notary"):
        keys.public_keys(tmp_path, "notary")


@pytest.mark.parametrize("content", [b"", b"xyz", b"00" * 31, b"\xff"])
def test_a_broken_public_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """64 hex digits, no less."""
    (tmp_path / "notary.pub").write_bytes(content)

    with pytest.raises(keys.KeyUnusable, match="64 hex digits"):
        keys.public_keys(tmp_path, "notary")


@pytest.mark.parametrize("name", ["", "../notary", "a/b", "a.b", "-a", "a" * 200])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """Names are checked before a path is made of them."""
    with pytest.raises(ValueError, match="name"):
        keys.create(tmp_path, name)


def test_the_private_half_is_never_printed(tmp_path: Path) -> None:
    """A key in a log line shows its public half only."""
    assert "private" not in repr(keys.create(tmp_path, "notary")).lower()
