"""What a client may cost an HTTP server of ours: size of heads and bodies, time for them, connections."""

import asyncio
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from homeostat.core import Reject

HEAD_BYTES: Final = 16 * 1024
DEPLOYMENT_BYTES: Final = 1 << 20
"""Of a deployment: some hundred bytes for each version."""

BATCH_BYTES: Final = 64 << 20
"""Of a batch: 10,000 rows of 1,600 numbers."""

MAX_CONNECTIONS: Final = 256
"""One more takes the place of the one that has been idle for longest; where all are at work, the answer is 503."""

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 120.0
"""From head to answer, weights that are fetched for a deployment among it."""


async def body_of(request: Request, max_bytes: int) -> bytes:
    """Read a body that is not too large, from a client that is not too slow.

    Raises:
        Reject: `body_too_large`, `body_too_slow`.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > len(str(max_bytes)) or int(announced) > max_bytes:
        raise _too_large(max_bytes)
    chunks, n_bytes = list[bytes](), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                n_bytes += len(chunk)
                if n_bytes > max_bytes:
                    raise _too_large(max_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise Reject("body_too_slow", f"the body did not come within {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Reject("body_incomplete", "the client went away") from None
    return b"".join(chunks)


def _too_large(max_bytes: int) -> Reject:
    return Reject("body_too_large", f"a body has at most {max_bytes} bytes here: send less at once")


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, which waits for a head for ever: here it has 10 s, and the whole request two minutes."""

    _deadline: asyncio.TimerHandle | None = None
    _is_head_due = False
    _heard_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._heard_at = self.loop.time()
        self._make_room()
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._heard_at = self.loop.time()
        before: Any = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._set(REQUEST_SECONDS, is_head_due=False)
        elif self._is_idle and not self._is_head_due:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()

    def _make_room(self) -> None:
        """Close what waits for nothing, so that silent connections keep nobody out."""
        others = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self]
        if len(others) + 1 < MAX_CONNECTIONS:
            return
        idle = [one for one in others if one._is_idle]  # noqa: SLF001  # one of its own kind
        if idle:
            oldest = min(idle, key=lambda one: one._heard_at)  # noqa: SLF001  # as above
            self.connections.discard(oldest)
            oldest.transport.abort()
        elif len(others) > 2 * MAX_CONNECTIONS:
            self.transport.abort()

    @property
    def _is_idle(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its annotation says
        return cycle is None or bool(cycle.response_complete)

    def _await_head(self) -> None:
        self._set(HEAD_SECONDS, is_head_due=True)

    def _set(self, seconds: float, *, is_head_due: bool) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._is_head_due = is_head_due
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        """Close a connection whose head is late, or whose answer is; one that waits for another request stays."""
        if self._is_head_due or not self._is_idle:
            self.transport.abort()
