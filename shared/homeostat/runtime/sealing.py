"""The seal of a snapshot record: a keyed digest of what it says and of where it lies.

All hosts of a service share the key. Who has it not can neither write a record that is read, nor move one to another
key, partition or fold; he can delete, which the marker shows. Without a key the seal tells damage only.
"""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from typing import Final

from homeostat.audit.secret_file import make_once
from homeostat.codec import Headers, Record
from homeostat.runtime.errors import SealKeyUnusable
from homeostat.runtime.settings import HostSettings

SEAL: Final = "homeostat-seal"
"""Header of a snapshot record: `k` and a keyed digest, or `c` and one that anybody can make."""

KEY_FILE: Final = "snapshots.key"
KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 32
_PURPOSE: Final = b"homeostat.states"
_KEYED, _CHECKED = b"k", b"c"
_OPEN: Final = 0o077


class Seals:
    """Seals records of snapshots, and looks at seals.

    Args:
        keys: The first seals, each is known: so a key can be replaced. Without any, damage alone is noticed.
        adopts: Take records that no key has sealed, once, to seal them: they were stored before there was a key.
    """

    def __init__(self, keys: Sequence[bytes] = (), *, adopts: bool = False) -> None:
        self._keys, self.adopts = tuple(keys), adopts and bool(keys)

    def headers(self, topic: str, partition: int, key: bytes, value: bytes) -> Headers:
        """Headers of a record that is to be stored.

        Args:
            topic: Of the snapshots.
            partition: Of it.
            key: Of the record.
            value: Of the record.
        """
        own = self._keys[0] if self._keys else b""
        return [(SEAL, (_KEYED if own else _CHECKED) + _digest(own, topic, partition, key, value))]

    def fault(self, record: Record) -> str:
        """What is wrong with the seal of a record that has a value; nothing if it is in order."""
        seal = next((value for name, value in record.headers if name == SEAL), None) or b""
        kind, digest = seal[:1], seal[1:]
        if kind == _KEYED and not self._keys:
            return "is sealed with a key that this host does not have (HOMEOSTAT_SNAPSHOTS_KEY)"
        if self._keys and kind != _KEYED and not self.adopts:
            return "is not sealed"
        if not kind:
            return ""
        place = (record.topic, record.partition, record.key or b"", record.value or b"")
        keys = self._keys if kind == _KEYED else (b"",)
        if any(compare_digest(digest, _digest(key, *place)) for key in keys):
            return ""
        return "has a seal that does not fit"

    def is_own(self, record: Record) -> bool:
        """Whether a record needs no other seal."""
        kind = next((value for name, value in record.headers if name == SEAL), b"")[:1]
        return kind == (_KEYED if self._keys else _CHECKED)


def _digest(secret: bytes, topic: str, partition: int, key: bytes, value: bytes) -> bytes:
    digest = blake2b(key=secret, digest_size=_DIGEST_BYTES, person=_PURPOSE)
    name = topic.encode()
    digest.update(b"%d %d %d " % (len(name), partition, len(key)))  # so that no two places read the same
    digest.update(name)
    digest.update(key)
    digest.update(value)
    return digest.digest()


def make_key(path: Path) -> None:
    """Make a key (mode 0600), unless there is one; of two who try at once, one makes it.

    Raises:
        SealKeyUnusable: The path names no file.
        OSError: It cannot be written.
    """
    if not path.name or "\0" in str(path):
        raise SealKeyUnusable(path, "names no file")
    make_once(path, secrets.token_hex(KEY_BYTES) + "\n")


def seals_of(settings: HostSettings) -> Seals:
    """Seals of a host.

    Raises:
        SealKeyUnusable: See `load_keys`.
    """
    named = settings.snapshots_key
    keys = load_keys(named or settings.keys_dir / KEY_FILE, is_required=named is not None)
    return Seals(keys, adopts=settings.adopt_snapshots)


def load_keys(path: Path, *, is_required: bool) -> tuple[bytes, ...]:
    """Read the keys of the snapshots.

    Args:
        path: One key of 64 hex digits a line.
        is_required: There must be such a file; otherwise none is none.

    Raises:
        SealKeyUnusable: It is not there, open to others, or no such file.
    """
    try:
        mode = path.stat().st_mode & 0o777
        lines = path.read_text().split()
    except FileNotFoundError:
        if is_required:
            raise SealKeyUnusable(path, "there is no such file") from None
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SealKeyUnusable(path, f"cannot be read ({type(error).__name__})") from None
    if mode & _OPEN:
        raise SealKeyUnusable(path, f"mode {mode:04o} lets others at it")
    try:
        keys = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise SealKeyUnusable(path, "it does not hold keys")
    return keys
