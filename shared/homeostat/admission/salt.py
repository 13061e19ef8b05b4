"""Salted digests: the same value has the same one within a scope, and without the salt nobody can try values out."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

_LENGTH: Final = 32
"""Hex digits of the digest that stands for a request id: 128 bits."""


@dataclass(frozen=True, slots=True)
class Salt:
    """What digests of personal data are salted with.

    A host gives it to its doors, all hosts of a deployment the same one: what a door says is then the same wherever it
    says it again. Its own digest is part of the doors' version. Without a secret, values that can be guessed (phone
    numbers, cards) can be found by whoever reads the logs and tries.

    Args:
        secret: Any bytes; empty for none.
    """

    secret: bytes = b""

    def digest(self, scope: str, value: str | bytes) -> str:
        """HMAC-SHA256 of a value in its scope, hex."""
        raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return hmac.digest(self.secret, scope.encode("utf-8", "surrogatepass") + b"\0" + raw, "sha256").hex()

    def request_id(self, scope: str, request: str) -> str:
        """The id that stands for a request's own: labels and samples of it still meet."""
        return f"personal-{self.digest(scope, request)[:_LENGTH]}"

    @property
    def fingerprint(self) -> str:
        """Of the secret, hex; empty where there is none. Says whether two hosts have the same."""
        return sha256(b"homeostat.salt\0" + self.secret).hexdigest()[:16] if self.secret else ""


NO_SALT: Final = Salt()
