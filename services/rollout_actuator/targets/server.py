"""The embedded target: a model server over HTTP.

PUT  /models/{scope}/{model}/deployment   what to serve (`Deployment`); 409 if a later one has acted
GET  /models/{scope}/{model}/deployment   what is served
POST /models/{scope}/{model}/predict      a batch (`Batch` as msgpack, or JSON) -> `Answers`
GET  /models  /healthz  /metrics

    python -m rollout_actuator.targets.server --port 8100 --artifacts .homeostat/artifacts --state server.json
"""

import argparse
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeostat.artifacts import open_store
from homeostat.core import Reject, Retry
from rollout_actuator.targets.base import Deployment
from rollout_actuator.targets.metrics import ServerMetrics
from rollout_actuator.targets.router import Router
from rollout_actuator.targets.state import StateFile
from rollout_actuator.targets.wire import JSON, decode_batch, encode_answers

_STATUS: Final = {"stale": 409, "model_unknown": 404, "batch_invalid": 400}
"""HTTP status by reason code; any other refusal is 422."""

_KEEP_ALIVE_SECONDS: Final = 75
_STOP_SECONDS: Final = 1


def create_app(router: Router) -> Starlette:
    """Put HTTP in front of a router."""
    metrics = ServerMetrics(router)

    async def put_deployment(request: Request) -> Response:
        body = await request.body()
        try:
            deployment = msgspec.json.decode(body, type=Deployment)
        except msgspec.MsgspecError as error:
            raise Reject("deployment_invalid", str(error)) from None
        # Weights may come over a network: the event loop goes on answering meanwhile.
        return _json(await run_in_threadpool(router.apply, _model(request), deployment))

    async def get_deployment(request: Request) -> Response:
        return _json(router.state(_model(request)))

    async def predict(request: Request) -> Response:
        content_type = request.headers.get("content-type", JSON)
        body = await request.body()
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
        exception_handlers={Reject: _refused, Retry: _unavailable},
    )


def _model(request: Request) -> str:
    return f"{request.path_params['scope']}/{request.path_params['model']}"


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Reject)
    return _json({"reason": error.reason, "detail": error.detail}, _STATUS.get(error.reason, 422))


async def _unavailable(_: Request, error: Exception) -> Response:
    return _json({"reason": "unavailable", "detail": str(error)}, 503)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="rollout_actuator.targets.server", description="A model server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--artifacts", required=True, help="artifact store: a folder or a URL")
    parser.add_argument("--state", type=Path, required=True, help="file that a restart continues from")
    settings = parser.parse_args()
    router = Router(open_store(settings.artifacts), StateFile(settings.state))
    uvicorn.run(
        create_app(router),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
