"""The deployment protocol over HTTP, for a model that serves itself: a listener of its own, or a part of an ASGI app.

PUT /models/{scope}/{model}/deployment   what to serve (`Deployment`); needs `Authorization: Bearer TOKEN`
GET /models/{scope}/{model}/deployment   what is served

It is what `homeostat.services.rollout_actuator` asks of a server, whoever wrote it.
"""

import re
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec

from homeostat.core import Halt, Reject, Retry
from homeostat.serving.authorization import authorize
from homeostat.serving.deployment import read_deployment
from homeostat.serving.served import Served

_PATH: Final = re.compile(r"/models/([^/]+/[^/]+)/deployment")
_MOST_BYTES: Final = 1 << 20
_SOCKET_SECONDS: Final = 10.0
_STATUS: Final = {"stale": 409, "unauthorized": 401, "not_found": 404, "method": 405, "body_too_large": 413}
"""HTTP status by reason code; any other refusal is 422."""

AsgiApp = Callable[[MutableMapping[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Any]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as JSON: its status and its body."""

    status: int
    body: bytes


class DeploymentProtocol:
    """Answers requests about models of this process.

    Args:
        served: The models.
        token: Returns what a client must show to set what serves; asked each time, so that it can be renewed.
    """

    def __init__(self, served: Iterable[Served], token: Callable[[], str]) -> None:
        self._served, self._token = {one.model: one for one in served}, token

    def respond(self, method: str, path: str, authorization: str, body: bytes) -> Response:
        """Answer one request; what it raises while a version is loaded is an answer too.

        Args:
            method: `GET` or `PUT`.
            path: Below whatever it is mounted at.
            authorization: The header, or empty.
            body: Of the request.
        """
        try:
            return Response(200, msgspec.json.encode(self._answer(method, path, authorization, body)))
        except Reject as refusal:
            said = {"reason": refusal.reason, "detail": refusal.detail}
            return Response(_STATUS.get(refusal.reason, 422), msgspec.json.encode(said))
        except (Retry, Halt, OSError) as trouble:
            return Response(503, msgspec.json.encode({"reason": "unavailable", "detail": str(trouble)}))
        except Exception as error:  # what loads an artifact is anybody's code
            detail = f"{type(error).__name__}: {error}"[:500]
            return Response(422, msgspec.json.encode({"reason": "artifact_unusable", "detail": detail}))

    def _answer(self, method: str, path: str, authorization: str, body: bytes) -> object:
        match = _PATH.fullmatch(path)
        served = self._served.get(match[1]) if match else None
        if served is None:
            raise Reject("not_found", f"there is /models/NAME/deployment for {', '.join(sorted(self._served))}")
        if method == "GET":
            return served.state
        if method != "PUT":
            raise Reject("method", "GET or PUT")
        if len(body) > _MOST_BYTES:
            raise Reject("body_too_large", f"a deployment has at most {_MOST_BYTES} bytes")
        authorize(authorization, self._token)
        return served.apply(read_deployment(body))

    def asgi(self) -> AsgiApp:
        """Return an ASGI application to mount: `app.mount("/homeostat", protocol.asgi())` in FastAPI or Starlette."""
        from asyncio import to_thread

        async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            body, is_more = b"", True
            while is_more and len(body) <= _MOST_BYTES:
                message = await receive()
                body, is_more = body + message.get("body", b""), message.get("more_body", False)
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            headers = {name.lower(): value for name, value in scope["headers"]}
            shown = headers.get(b"authorization", b"").decode("latin-1")
            answer = await to_thread(self.respond, scope["method"], path, shown, body)
            head = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
            await send({"type": "http.response.start", "status": answer.status, "headers": head})
            await send({"type": "http.response.body", "body": answer.body})

        return app

    def listen(self, port: int = 0, host: str = "127.0.0.1") -> "Listener":
        """Answer in threads of this process until `Listener.close`.

        Args:
            port: 0 for any that is free.
            host: To listen at; with another than this machine put TLS in front of it.
        """
        return Listener(self, host, port)


class Listener:
    """A small HTTP server beside a model that has none.

    Args:
        protocol: Answers.
        host: To listen at.
        port: 0 for any that is free.
    """

    def __init__(self, protocol: DeploymentProtocol, host: str, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = _SOCKET_SECONDS

            def do_GET(self) -> None:
                self._respond()

            def do_PUT(self) -> None:
                self._respond()

            def _respond(self) -> None:
                length = self.headers.get("content-length", "0")
                n = min(int(length), _MOST_BYTES + 1) if length.isdigit() else 0
                shown = self.headers.get("authorization", "")
                answer = protocol.respond(self.command, self.path, shown, self.rfile.read(n))
                self.send_response(answer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
                """Say nothing: the model's own server has logs."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="homeostat-deployments", daemon=True).start()

    def close(self) -> None:
        """Stop listening; what is being answered is answered."""
        self._server.shutdown()
        self._server.server_close()
