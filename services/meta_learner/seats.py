"""Whose keys the family's scope knows: who signs with one of them is a source of its own in what is learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.events import KeyRegistered


@dataclass(slots=True)
class Seats:
    """As the governor has said.

    Args:
        public_keys: By key id.
        principals: Holder, by public key.
    """

    public_keys: dict[str, str] = field(default_factory=dict)
    principals: dict[str, str] = field(default_factory=dict)

    def add(self, data: KeyRegistered) -> None:
        """Take note of a key."""
        self.public_keys[data.key], self.principals[data.public_key] = data.public_key, data.principal

    def remove(self, key: str) -> str | None:
        """Forget a key; return its holder, if that was the last one: what it has signed is unsigned from now on."""
        public = self.public_keys.pop(key, None)
        principal = None if public is None else self.principals.pop(public)
        return None if principal in self.principals.values() else principal

    def of(self, signers: Mapping[str, str]) -> dict[str, str]:
        """Return the principal by source, of those whose key is known.

        Args:
            signers: Public key by source.
        """
        return {source: self.principals[key] for source, key in signers.items() if key in self.principals}
