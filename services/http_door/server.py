"""The HTTP door.

POST /v1/events        CloudEvents, binary, structured or batch -> 202 once Kafka has all of them
GET  /v1/openapi.json  what it takes and answers
GET  /healthz /readyz /metrics

A request is all or nothing: if one event of a batch is refused, none is sent. What could not be acknowledged is 503;
the same request again does no harm, as intake drops repeats by source and id.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import Any, Final

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from homeostat.codec import Output
from homeostat.core import Reject
from homeostat.services.http_door.access import Access
from homeostat.services.http_door.admitting import admit
from homeostat.services.http_door.binding import read_request
from homeostat.services.http_door.metrics import ACKNOWLEDGED, DoorMetrics
from homeostat.services.http_door.openapi import EVENTS, OPENAPI, document
from homeostat.services.http_door.rates import Rates
from homeostat.services.http_door.refusals import PROBLEM, UNPROCESSABLE, TryLater, headers_of, problem, status_of
from homeostat.services.http_door.settings import HttpDoorSettings
from homeostat.services.http_door.sink import Sink
from homeostat.serving.bounds import body_of
from homeostat.telemetry.registry import Metrics

log = structlog.get_logger(__name__)
BODIES_BYTES: Final = 64 << 20
"""Of all bodies that are being read or waited for; beyond it the answer is 503."""

_AGAIN_SECONDS: Final = 1.0
_JSON: Final = "application/json"


class Door:
    """Takes requests with events.

    Args:
        settings: Its limits.
        access: Who may say what.
        sink: Where records go.
    """

    def __init__(self, settings: HttpDoorSettings, access: Access, sink: Sink) -> None:
        self.settings, self.sink, self.metrics = settings, sink, DoorMetrics(sink)
        self._access = access
        self._rates = Rates(settings.events_per_second, settings.burst)
        self._n_bytes = 0

    async def post(self, request: Request) -> Response:
        """Answer one request with events."""
        try:
            status, body, headers = await self._take(request)
        except Reject as reject:
            status, body = problem(reject)
            headers = headers_of(reject, status)
            self.metrics.events[reject.reason] += 1
        self.metrics.requests[status] += 1
        media_type = _JSON if status < 400 else PROBLEM
        return Response(msgspec.json.encode(body), status, headers, media_type)

    async def _take(self, request: Request) -> tuple[int, dict[str, Any], dict[str, str]]:
        now = time.monotonic()
        headers = request.headers
        grant = await self._access.grant_of(headers.get("authorization", ""), headers.get("host", ""), now)
        with self._room(headers.get("content-length", "")):
            body = await body_of(request, self.settings.body_bytes)
            events, is_batch = read_request(request.scope["headers"], body, self.settings.batch_events)
            self._rates.take(grant.name, len(events), now, grant.events_per_second)
            outputs, refused = list[Output](), list[tuple[int, Reject]]()
            millis = int(time.time() * 1000)
            for index, event in enumerate(events):
                try:
                    if isinstance(event, Reject):
                        raise event
                    outputs.append(admit(event, grant, millis))
                except Reject as reject:
                    refused.append((index, reject))
            if refused:
                return self._refuse(refused, len(events), is_batch=is_batch)
            await self._deliver(outputs, is_batch=is_batch)
        return 202, {"accepted": len(outputs)}, {}

    def _refuse(
        self, refused: list[tuple[int, Reject]], n: int, *, is_batch: bool
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        if not is_batch:
            raise refused[0][1]
        statuses = {status_of(reject.reason) for _, reject in refused}
        status = statuses.pop() if len(statuses) == 1 else UNPROCESSABLE
        whole = Reject("events_refused", f"{len(refused)} of {n} events are refused, and nothing was sent")
        self.metrics.events.update(reject.reason for _, reject in refused)
        listed = [{"index": index, "reason": one.reason, "detail": one.detail} for index, one in refused]
        return *problem(whole, listed, status), headers_of(whole, status)

    async def _deliver(self, outputs: list[Output], *, is_batch: bool) -> None:
        """Hand records over, and wait until Kafka has them.

        Raises:
            TryLater: `overloaded`, `not_acknowledged`.
        """
        if self.sink.n_unacknowledged + len(outputs) > max(self.settings.max_unacknowledged, len(outputs)):
            raise TryLater("overloaded", "too many events wait for Kafka; nothing was sent", _AGAIN_SECONDS)
        started = time.perf_counter()
        troubles = await self.sink.deliver(outputs)
        self.metrics.delivery_seconds += time.perf_counter() - started
        failed = [trouble for trouble in troubles if trouble]
        self.metrics.events[ACKNOWLEDGED] += len(outputs) - len(failed)
        if failed:
            self.metrics.events["not_acknowledged"] += len(failed) - 1  # the request counts the last one
            what = f"{len(failed)} of {len(outputs)} events were" if is_batch else "the event was"
            detail = f"{what} not acknowledged ({failed[0][:300]}): send the same again, repeats are dropped by id"
            raise TryLater("not_acknowledged", detail, _AGAIN_SECONDS)

    @contextmanager
    def _room(self, announced: str) -> Iterator[None]:
        """Keep room for a body of the announced length, the largest where none is announced."""
        most = self.settings.body_bytes
        n = min(int(announced), most) if announced.isdecimal() and len(announced) <= len(str(most)) else most
        if self._n_bytes and self._n_bytes + n > BODIES_BYTES:
            raise TryLater("overloaded", "too many bodies at once; nothing was sent", _AGAIN_SECONDS)
        self._n_bytes += n
        try:
            yield
        finally:
            self._n_bytes -= n

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document."""
        return msgspec.json.encode(document(self.settings))


def create_app(door: Door, version: str) -> Starlette:
    """Put HTTP around a door.

    Args:
        door: What takes events.
        version: Of the distribution.
    """
    metrics = Metrics("http-door", version)
    metrics.registry.register(door.metrics)

    async def get_openapi(_: Request) -> Response:
        return Response(door.openapi, media_type=_JSON)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        trouble = door.sink.trouble
        return PlainTextResponse(trouble or "ok", 503 if trouble else 200)

    async def get_metrics(request: Request) -> Response:
        body, content_type = metrics.expose(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        door.sink.start()
        yield
        log.info("draining", unacknowledged=door.sink.n_unacknowledged)
        await door.sink.close()

    return Starlette(
        routes=[
            Route(EVENTS, door.post, methods=["POST"]),
            Route(OPENAPI, get_openapi),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", get_metrics),
        ],
        exception_handlers={Exception: _failed},
        lifespan=lifespan,
    )


async def _failed(_: Request, error: Exception) -> Response:
    body = {"status": 500, "reason": "failed", "detail": f"{type(error).__name__}: {error}"[:500]}
    return Response(msgspec.json.encode(body), 500, media_type=PROBLEM)
