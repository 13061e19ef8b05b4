"""Refusals, and the HTTP status that each reason has."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from homeostat.core import Reject

STATUS: Final[Mapping[str, int]] = {
    "header_missing": 400,
    "header_invalid": 400,
    "batch_invalid": 400,
    "body_incomplete": 400,
    "unauthorized": 401,
    "token_invalid": 401,
    "scope_forbidden": 403,
    "door_forbidden": 403,
    "body_too_slow": 408,
    "body_too_large": 413,
    "batch_too_large": 413,
    "content_type_unknown": 415,
    "host_unknown": 421,
    "rate_limited": 429,
    "overloaded": 503,
    "not_acknowledged": 503,
    "unavailable": 503,
}
"""By reason; whatever a door refuses for what it says is 422."""

UNPROCESSABLE: Final = 422
CLOSING: Final = frozenset({401, 408, 413, 421})
"""Answers before the body was read: what follows is not waited for."""

PROBLEM: Final = "application/problem+json"
"""Source: RFC 9457."""


class TryLater(Reject):
    """The same request may pass in a while.

    Args:
        reason: See `Reject`.
        detail: See `Reject`.
        seconds: To wait.
    """

    def __init__(self, reason: str, detail: str, seconds: float) -> None:
        super().__init__(reason, detail)
        self.seconds = max(1, ceil(seconds))


def status_of(reason: str) -> int:
    """HTTP status of a reason."""
    return STATUS.get(reason, UNPROCESSABLE)


def problem(reject: Reject, refused: Sequence[dict[str, Any]] = (), status: int = 0) -> tuple[int, dict[str, Any]]:
    """Return status and body of the answer to a request that is refused.

    Args:
        reject: Why.
        refused: Events of a batch, each with `index`, `reason`, `detail`.
        status: If it is not that of the reason.
    """
    status = status or status_of(reject.reason)
    body: dict[str, Any] = {"status": status, "reason": reject.reason, "detail": reject.detail}
    return status, body | ({"refused": list(refused)} if refused else {})


_CHALLENGES: Final = {401: " ", 403: ', error="insufficient_scope"'}
_INVALID: Final = ', error="invalid_token"'
"""Source: RFC 6750, 3.1."""


def headers_of(reject: Reject, status: int) -> dict[str, str]:
    """Headers that the answer to a refusal has beside its content type."""
    headers: dict[str, str] = {}
    if isinstance(reject, TryLater):
        headers["retry-after"] = str(reject.seconds)
    if error := _CHALLENGES.get(status):
        error = _INVALID if reject.reason == "token_invalid" else error
        headers["www-authenticate"] = f'Bearer realm="homeostat"{error.strip()}'
    if status in CLOSING:
        headers["connection"] = "close"
    return headers
