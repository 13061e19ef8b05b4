"""Keys on disk: one PEM file per name, readable by its owner, never overwritten; its public half beside it in hex."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from homeostat.audit import signing
from homeostat.core import Halt, Missing
from homeostat.durable_file import make_file, replace_file

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_\-]{0,127}")  # no dot: retired keys are `<name>.<key id>.pem`
_OPEN: Final = 0o027
"""Anything for strangers, or writing for the group. Group reading is how Kubernetes mounts a secret."""

_WRITABLE: Final = "make room there, or move away what is in its place"


class KeyMissing(Missing, Halt):
    """There is no key of this name.

    Operator: `homeostat keys create NAME`, and register its public key with a signed request.
    """

    def __init__(self, path: Path) -> None:
        todo = (
            f"no public key at {path}; `homeostat keys show {path.stem}` writes it where the private one is"
            if path.suffix == ".pub"
            else f"no key at {path}; create one with `homeostat keys create {path.stem}`"
        )
        super().__init__(todo)
        self.path = path


class KeyExists(Halt):
    """A key of this name is there already, and a key is never overwritten.

    Operator: choose another name, or rotate.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} exists and is not overwritten: use another name, or `homeostat keys rotate {path.stem}`"
        )
        self.path = path


class KeyUnusable(Halt):
    """The file is not a key that may be used.

    Operator: see the message; if the file was readable by others, rotate and revoke the old key.
    """

    def __init__(self, path: Path, why: str, mend: str = "") -> None:
        self.path, self.why = path, why
        self.mend = mend or f"restore {path} from a copy, or move it away and make another key"
        super().__init__(f"key {path}: {why}: {self.mend}")


class KeyNameInvalid(Halt, ValueError):
    """A name that no key has.

    Operator: use letters, digits, `_` and `-`, at most 128.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"a key's name is letters, digits, _ and -, at most 128, not {name[:128]!r}")
        self.name = name


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

    def headers(self, type_: str, subject: str, source: str, id_: str, content: bytes) -> list[tuple[str, bytes]]:
        """Return the headers that sign an event; see `signed_bytes`.

        Args:
            type_: CloudEvents type.
            subject: Key of the record.
            source: Of the event.
            id_: Of the event.
            content: Payload as it is sent.
        """
        signed = signing.signed_bytes(type_, subject, source, id_, content)
        return [("signature", self.sign(signed).encode()), ("key-id", self.key_id.encode())]


def create(folder: Path, name: str) -> Key:
    """Make a key: `<folder>/<name>.pem` (PKCS8, mode 0600) and `<name>.pub` (hex); makes the folder (0700) if needed.

    A crash between the two leaves a key without its public half, which `publish` writes. A disk that is full leaves
    nothing.

    Raises:
        KeyExists: There is one of this name.
        KeyNameInvalid: A name is letters, digits, `_` and `-`.
        KeyUnusable: It cannot be written.
    """
    path = _path(folder, name)
    private = Ed25519PrivateKey.generate()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_file(path, _pem(private), mode=0o600)
    except FileExistsError:
        raise KeyExists(path) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    key = _key(name, private)
    publish(folder, key)
    return key


def load(folder: Path, name: str) -> Key:
    """Read a key.

    Raises:
        KeyMissing: No such file.
        KeyUnusable: Not an Ed25519 key in PEM, or open to others.
        KeyNameInvalid: Not a name.
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
        mend = f"chmod 600 {path}, then rotate it if it may have been read"
        raise KeyUnusable(path, f"mode {mode:04o} lets others at it", mend)
    try:
        private = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError):
        raise KeyUnusable(path, "not an unencrypted private key in PEM (PKCS8)") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable(path, "not an Ed25519 key")
    return _key(name, private)


def rotate(folder: Path, name: str) -> tuple[Key, Key]:
    """Put a new key in the place of an old one, which is kept as `<name>.<key id>.pem`, as its public half is.

    A crash leaves either the old or the new key in place, whole; rotating again is safe. Both public halves are
    there before the new key is: whoever checks a signature knows the key before anything is signed with it.

    Returns:
        The old key, to revoke; the new one, to register.

    Raises:
        KeyMissing: Nothing to rotate.
        KeyUnusable: The old key cannot be read, or the new one not be written.
    """
    old, path = load(folder, name), _path(folder, name)
    retired = folder / f"{name}.{old.key_id}.pem"
    if not retired.exists():
        _replace(retired, _pem(old.private))
    _replace(folder / f"{name}.{old.key_id}.pub", old.public_key_hex.encode())
    new = _key(name, Ed25519PrivateKey.generate())
    publish(folder, new)
    _replace(path, _pem(new.private))
    return old, new


def publish(folder: Path, key: Key) -> None:
    """Write the public half of a key, `<name>.pub`: all that whoever checks its signatures needs.

    A file that holds it already is left alone.

    Raises:
        KeyUnusable: It cannot be written.
    """
    path = folder / f"{key.name}.pub"
    content = key.public_key_hex.encode()
    with suppress(OSError):  # what cannot be read is written anew
        if path.read_bytes() == content:
            return
    _replace(path, content)


def public_keys(folder: Path, name: str) -> dict[str, str]:
    """Public keys in hex by id, of a name's key and of those it has replaced; reads no private key.

    Raises:
        KeyMissing: There is no public key of this name.
        KeyUnusable: A file is not a public key in hex.
    """
    paths = [_path(folder, name).with_suffix(".pub"), *sorted(folder.glob(f"{name}.*.pub"))]
    found = {}
    for path in paths:
        try:
            raw = bytes.fromhex(path.read_text("ascii"))
            Ed25519PublicKey.from_public_bytes(raw)
        except FileNotFoundError:
            raise KeyMissing(path) from None
        except OSError as error:
            raise KeyUnusable(path, f"cannot be read: {error.strerror}") from None
        except ValueError:
            raise KeyUnusable(path, "not an Ed25519 public key: 64 hex digits") from None
        found[signing.key_id(raw)] = raw.hex()
    return found


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise KeyNameInvalid(name)
    return folder / f"{name}.pem"


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(name: str, private: Ed25519PrivateKey) -> Key:
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key(name, signing.key_id(public), public.hex(), private)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, or leave that as it is.

    Raises:
        KeyUnusable: It cannot be written.
    """
    try:
        replace_file(path, content, mode=0o600)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> KeyUnusable:
    return KeyUnusable(path, f"cannot be written: {error.strerror}", _WRITABLE)
