"""Who is there: by a bearer token, or anybody on this machine."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from homeostat.core import Halt, Reject
from homeostat.services.http_door.grants import ANYBODY, Grant
from homeostat.services.http_door.oidc import Oidc
from homeostat.services.http_door.tokens import Tokens

_LOOK_SECONDS: Final = 1.0
_DOTS: Final = 2
"""Of a JWT in its compact form."""


class DoorOpen(Halt):
    """Anybody who reaches this machine could write.

    Operator: set up tokens, or bind to this machine only.
    """

    def __init__(self, host: str) -> None:
        super().__init__(
            f"no tokens are set up, so the HTTP door binds to this machine only, not to {host}: set "
            "HOMEOSTAT_HTTP_DOOR_TOKENS, HOMEOSTAT_HTTP_DOOR_TOKEN_FILE or HOMEOSTAT_HTTP_DOOR_OIDC_ISSUER "
            "(docs/http.md), or HOMEOSTAT_HTTP_DOOR_HOST=127.0.0.1"
        )


class Access:
    """What each request may do.

    Args:
        host: Interface that the door is bound to.
        tokens: Static ones; None: there are none.
        oidc: Checks those of a provider; None: there is none.

    Raises:
        DoorOpen: There is neither, and the interface is not this machine's own.
    """

    def __init__(self, host: str, tokens: Tokens | None, oidc: Oidc | None) -> None:
        self.is_open = tokens is None and oidc is None
        if self.is_open and not is_loopback(host):
            raise DoorOpen(host)
        self._tokens, self._oidc, self._looked_at = tokens, oidc, float("-inf")

    async def grant_of(self, authorization: str, host: str, now: float) -> Grant:
        """Find out what a request may do.

        Args:
            authorization: The header, `Bearer TOKEN`, or empty.
            host: The header. Where no token is asked for, it names this machine: a page in a browser that has had its
                own name lead here (DNS rebinding) shows that one.
            now: Seconds that never go back.

        Raises:
            Reject: `unauthorized`, `token_invalid`, `host_unknown`.
            TryLater: `unavailable`.
        """
        if self.is_open:
            if not is_loopback(urlsplit(f"//{host}").hostname or ""):
                raise Reject("host_unknown", "without tokens the door answers to localhost and 127.0.0.1 only")
            return ANYBODY
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Reject("unauthorized", "the door wants a token: Authorization: Bearer TOKEN")
        if self._tokens is not None:
            if now > self._looked_at + _LOOK_SECONDS:
                self._looked_at = now
                self._tokens.look()
            if (grant := self._tokens.grant_of(token)) is not None:
                return grant
        if self._oidc is not None and token.count(".") == _DOTS:
            return await self._oidc.grant_of(token)
        raise Reject("token_invalid", "nobody knows this token")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
