"""The notary's public keys: where whoever obeys its commands finds them, and what they say of an event."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from homeostat.audit.keys import KeyMissing, KeyUnusable, public_keys
from homeostat.audit.roles import NOTARY
from homeostat.audit.signing import key_id, signed_bytes, verify
from homeostat.core import Event, Halt

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")

NotaryKeys = str | Path | Sequence[str]
"""Public keys in hex, one or more, also separated by commas; or a folder with `notary.pub`."""


class NotaryKeyMissing(KeyMissing):
    """Commands cannot be checked, so none is obeyed.

    Operator: give whoever acts the public key that `homeostat up`, or `homeostat keys create notary`, has written.
    """

    def __init__(self, folder: Path) -> None:
        Halt.__init__(
            self,
            f"commands are signed by the notary, and its public key is not in {folder}: pass notary=… (the hex of "
            "notary.pub, or its folder), set HOMEOSTAT_NOTARY_KEYS to the same, or set HOMEOSTAT_DATA_DIR to the data "
            "folder of `homeostat up`; `homeostat keys show notary` prints it where the private key is",
        )
        self.path = folder / f"{NOTARY}.pub"


def notary_keys(given: NotaryKeys | None, folder: Path) -> dict[str, str]:
    """Find the notary's public keys, in hex by id.

    Args:
        given: By whoever acts; nothing: the folder's.
        folder: Of the keys of this machine.

    Raises:
        NotaryKeyMissing: There is none.
        KeyUnusable: What is there is not a public key.
    """
    words = [given] if isinstance(given, str | Path) else list(given or ())
    texts = [text.strip() for word in words if isinstance(word, str) for text in word.split(",") if text.strip()]
    if texts and all(_HEX.fullmatch(text) for text in texts):
        raws = [bytes.fromhex(text) for text in texts]
        return {key_id(raw): raw.hex() for raw in raws}
    if len(texts) > 1:
        raise KeyUnusable(Path(", ".join(texts)), "not public keys in hex: 64 digits each, separated by commas")
    for place in (*(Path(text) for text in texts), *(word for word in words if isinstance(word, Path))):
        folder = place if place.is_dir() or place.suffix != ".pub" else place.parent
    try:
        return public_keys(folder, NOTARY)
    except KeyMissing:
        raise NotaryKeyMissing(folder) from None


class Seal(NamedTuple):
    """What a signature is checked with.

    Args:
        key: Id of the key that is said to have made it.
        signature: Base64.
        signed: What it is to be of.
    """

    key: str
    signature: str
    signed: bytes


def seal_of(event: Event) -> Seal:
    """Signature of an event, and what it is to cover: the event word for word."""
    signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
    return Seal(event.key_id or "", event.signature or "", signed)


def is_genuine(seal: Seal, keys: Mapping[str, str]) -> bool:
    """Whether a signature is of one of these public keys (hex by id)."""
    public = keys.get(seal.key)
    return public is not None and verify(public, seal.signature, seal.signed)


def is_signed(event: Event, keys: Mapping[str, str]) -> bool:
    """Whether an event was signed with one of these public keys (hex by id)."""
    return event.key_id in keys and is_genuine(seal_of(event), keys)
