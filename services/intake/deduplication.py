"""Which events were admitted before: a bounded window, the oldest forgotten."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

_KEY_LENGTH: Final = 200
"""Longer keys are kept as digests, so that nobody can fill the memory with names."""


def key_of(source: str, id_: str) -> str:
    """Name an event of one subject; the scope is part of the subject and needs no place here."""
    key = f"{len(source)}:{source}{id_}"  # the length keeps ("a", "bc") and ("ab", "c") apart
    return key if len(key) <= _KEY_LENGTH else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


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
