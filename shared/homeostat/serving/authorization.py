"""Who may set what serves."""

import hmac
from collections.abc import Callable

from homeostat.core import Reject


def authorize(authorization: str, token: Callable[[], str]) -> None:
    """Compare what a client shows with the token of a server, in constant time.

    Args:
        authorization: The header, `Bearer TOKEN`, or empty.
        token: Returns the token; asked each time, so that it can be renewed.

    Raises:
        Reject: `unauthorized`.
        Halt: The token cannot be read.
    """
    scheme, _, shown = authorization.partition(" ")
    is_right = hmac.compare_digest(shown.strip().encode(), token().encode())
    if scheme.lower() != "bearer" or not is_right:
        raise Reject("unauthorized", "what serves is set by whoever shows the token of this server, and nobody else")
