"""Which events were admitted before: a bounded window, the oldest forgotten."""

import hashlib
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final

from homeostat.audit.signing import signed_bytes
from homeostat.core import Event

_KEY_LENGTH: Final = 200
"""Longer keys are kept as digests, so that nobody can fill the memory with names."""


def key_of(event: Event) -> str:
    """Name an event of one subject; the scope is part of the subject and needs no place here.

    What is signed is named by its signature and all that it covers: who takes its source and id for something else does
    not displace it. What is not signed has no other name than it gives itself.
    """
    if event.signature is not None:
        signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
        proof = f"{event.key_id}:".encode(errors="surrogatepass") + _bytes_of(event.signature) + b":"
        return hashlib.sha256(proof + signed).hexdigest()
    key = f"{len(event.source)}:{event.source}{event.id}"  # the length keeps ("a", "bc") and ("ab", "c") apart
    return key if len(key) <= _KEY_LENGTH else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _bytes_of(signature: str) -> bytes:
    """What Base64 stands for: it has several spellings, as the last digit has bits that say nothing."""
    try:
        return b64decode(signature, validate=True)
    except ValueError:
        return signature.encode(errors="surrogatepass")


@dataclass(slots=True)
class Seen:
    """The last `size` admitted events of a subject.

    Two generations hold the number of each event: nothing is ever deleted one by one, and at most
    twice `size` keys are kept.
    """

    n: int = 0
    young: dict[str, int] = field(default_factory=dict)
    old: dict[str, int] = field(default_factory=dict)

    def has(self, key: str, size: int) -> bool:
        """Whether the event is among the last `size`."""
        number = self.young.get(key)
        if number is None:
            number = self.old.get(key)
        return number is not None and self.n - number <= size

    def add(self, key: str, size: int) -> None:
        """Remember an event that the window does not have."""
        if len(self.young) >= size:
            self.old, self.young = self.young, {}
        self.young[key] = self.n
        self.n += 1
