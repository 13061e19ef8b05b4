"""A model server over HTTP.

PUT  /models/{scope}/{model}/deployment   what to serve (`Deployment`); needs `Authorization: Bearer TOKEN`, else 401;
                                          409 if a later one has acted
GET  /models/{scope}/{model}/deployment   what is served
POST /models/{scope}/{model}/predict      a batch (`Batch` as msgpack, or JSON) -> `Answers`
GET  /models  /healthz  /metrics

    python -m homeostat.services.model_server --artifacts artifacts --state server.json --token model-server.token

Bodies, heads, connections and the time for them are bounded (`homeostat.serving.bounds`): 413, 408, 503.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeostat.core import Halt, Reject, Retry
from homeostat.services.model_server.metrics import ServerMetrics
from homeostat.services.model_server.router import Router
from homeostat.serving.authorization import authorize
from homeostat.serving.batches import JSON, decode_batch, encode_answers
from homeostat.serving.bounds import (
    BATCH_BYTES,
    DEPLOYMENT_BYTES,
    body_of,
)
from homeostat.serving.deployment import read_deployment

_STATUS: Final = {
    "stale": 409,
    "model_unknown": 404,
    "batch_invalid": 400,
    "unauthorized": 401,
    "body_too_large": 413,
    "body_too_slow": 408,
    "body_incomplete": 400,
}
"""HTTP status by reason code; any other refusal is 422."""

_CLOSING: Final = frozenset({401, 408, 413})
"""Answers before the body was read: what follows is not waited for."""


def create_app(router: Router, token: Callable[[], str]) -> Starlette:
    """Put HTTP in front of a router.

    Args:
        router: What serves.
        token: Returns what a client must show to set what serves; asked each time, so that it can be renewed.
    """
    metrics = ServerMetrics(router)

    async def put_deployment(request: Request) -> Response:
        authorize(request.headers.get("authorization", ""), token)
        deployment = read_deployment(await body_of(request, DEPLOYMENT_BYTES))
        # Weights may come over a network: the event loop goes on answering meanwhile.
        return _json(await run_in_threadpool(router.apply, _model(request), deployment))

    async def get_deployment(request: Request) -> Response:
        return _json(router.state(_model(request)))

    async def predict(request: Request) -> Response:
        content_type = request.headers.get("content-type", JSON)
        body = await body_of(request, BATCH_BYTES)
        started = perf_counter()
        ids, x = decode_batch(content_type, body)
        answers = router.predict(_model(request), ids, x)
        seconds = perf_counter() - started
        metrics.observe(_model(request), answers, seconds)
        content, media_type = encode_answers(
            content_type, msgspec.structs.replace(answers, latency_seconds=round(seconds, 9))
        )
        return Response(content, media_type=media_type)

    async def get_models(_: Request) -> Response:
        return _json({"models": router.models})

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok", "models": len(router.models)})

    async def get_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/models", get_models),
            Route("/models/{scope}/{model}/deployment", put_deployment, methods=["PUT"]),
            Route("/models/{scope}/{model}/deployment", get_deployment),
            Route("/models/{scope}/{model}/predict", predict, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/metrics", get_metrics),
        ],
        exception_handlers={
            Reject: _refused,
            Retry: _unavailable,
            Halt: _unavailable,
            OSError: _unavailable,
            Exception: _failed,
        },
    )


def _model(request: Request) -> str:
    return f"{request.path_params['scope']}/{request.path_params['model']}"


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Reject)
    status = _STATUS.get(error.reason, 422)
    response = _json({"reason": error.reason, "detail": error.detail}, status)
    if status in _CLOSING:
        response.headers["connection"] = "close"
    if error.reason == "unauthorized":
        response.headers["www-authenticate"] = "Bearer"
    return response


async def _unavailable(_: Request, error: Exception) -> Response:
    return _json({"reason": "unavailable", "detail": str(error)}, 503)


async def _failed(_: Request, error: Exception) -> Response:
    return _json({"reason": "failed", "detail": f"{type(error).__name__}: {error}"[:500]}, 500)
