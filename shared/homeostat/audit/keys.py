"""Private keys on disk: one PEM file per name, readable by its owner, never overwritten."""

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from homeostat.audit import signing
from homeostat.core import Halt

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_\-]{0,127}")  # no dot: retired keys are `<name>.<key id>.pem`
_OPEN: Final = 0o027
"""Anything for strangers, or writing for the group. Group reading is how Kubernetes mounts a secret."""


class KeyMissing(Halt):
    """There is no key of this name.

    Operator: `homeostat key create NAME`, and register its public key with a signed request.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"no key at {path}; create one with `homeostat key create {path.stem}`")
        self.path = path


class KeyExists(Halt):
    """A key of this name is there already, and a key is never overwritten.

    Operator: choose another name, or rotate.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} exists and is not overwritten: use another name, or `homeostat key rotate {path.stem}`"
        )
        self.path = path


class KeyUnusable(Halt):
    """The file is not a key that may be used.

    Operator: see the message; if the file was readable by others, rotate and revoke the old key.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"key {path}: {why}")
        self.path, self.why = path, why


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key.

    Args:
        name: Of the file; the principal or service it belongs to.
        key_id: First 16 hex digits of the sha256 of the raw public key.
        public_key_hex: 32 bytes in hex, as in `key.registered`.
        private: Never printed, never compared.
    """

    name: str
    key_id: str
    public_key_hex: str
    private: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, signed: bytes) -> str:
        """Return the Base64 signature of `signed`."""
        return signing.sign(self.private, signed)


def create(folder: Path, name: str) -> Key:
    """Make a key and write `<folder>/<name>.pem` (PKCS8, mode 0600); makes the folder (0700) if needed.

    Raises:
        KeyExists: There is one of this name.
        ValueError: A name is letters, digits, `_` and `-`.
    """
    path = _path(folder, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyExists(path) from None
    _write(descriptor, _pem(private))
    return _key(name, private)


def load(folder: Path, name: str) -> Key:
    """Read a key.

    Raises:
        KeyMissing: No such file.
        KeyUnusable: Not an Ed25519 key in PEM, or open to others.
        ValueError: Not a name.
    """
    path = _path(folder, name)
    try:
        mode = path.stat().st_mode & 0o777
        raw = path.read_bytes()
    except FileNotFoundError:
        raise KeyMissing(path) from None
    except OSError as error:
        raise KeyUnusable(path, f"cannot be read: {error.strerror}") from None
    if mode & _OPEN:
        raise KeyUnusable(path, f"mode {mode:04o} lets others at it: chmod 600, then rotate if it may have been read")
    try:
        private = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError):
        raise KeyUnusable(path, "not an unencrypted private key in PEM (PKCS8)") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable(path, "not an Ed25519 key")
    return _key(name, private)


def rotate(folder: Path, name: str) -> tuple[Key, Key]:
    """Put a new key in the place of an old one, which is kept as `<name>.<key id>.pem`.

    A crash leaves either the old or the new key in place, whole; rotating again is safe.

    Returns:
        The old key, to revoke; the new one, to register.

    Raises:
        KeyMissing: Nothing to rotate.
        KeyUnusable: The old key cannot be read.
    """
    old, path = load(folder, name), _path(folder, name)
    retired = folder / f"{name}.{old.key_id}.pem"
    if not retired.exists():
        _replace(retired, _pem(old.private))
    private = Ed25519PrivateKey.generate()
    _replace(path, _pem(private))
    return old, _key(name, private)


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a key's name is letters, digits, _ and -, at most 128, not {name!r}")
    return folder / f"{name}.pem"


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(name: str, private: Ed25519PrivateKey) -> Key:
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key(name, signing.key_id(public), public.hex(), private)


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    _write(descriptor, content)
    Path(temporary).replace(path)


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
