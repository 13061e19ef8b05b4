"""A public key in the keyring, and a request that waits for a second person."""

from dataclasses import dataclass


@dataclass(slots=True)
class Key:
    """A public key: `public` hex, `principal` who owns it."""

    public: str
    principal: str
    is_revoked: bool = False


@dataclass(slots=True)
class PendingRequest:
    """A request that waits for a second person's signature.

    Args:
        principal: Who signed it first.
        is_admin: Whether that is an admin of the scope.
        expires_at: Until then, ms.
    """

    principal: str
    is_admin: bool
    expires_at: int
