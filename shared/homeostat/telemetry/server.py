"""One port per process: metrics, liveness, readiness, what it is."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from homeostat.telemetry.registry import Metrics

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_TIMEOUT_SECONDS: Final = 5.0

_REFUSED: Final = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
"""Methods that exist, and are not for what is here."""

Problems = Callable[[], Sequence[str]]
"""Says what is wrong, one sentence each; nothing means all is well. Called from other threads."""


def no_problems() -> Sequence[str]:
    """All is well."""
    return ()


class Server:
    """Answers GET and HEAD until it is closed. `port` is the real one, also where 0 was asked for.

    Paths: `/metrics` (Prometheus text, or OpenMetrics by the Accept header); `/healthz` (503 = restart
    this process); `/readyz` (503 = not yet, or not now); `/info` (JSON: name, version, assignments). A 503
    lists the problems, one a line.
    """

    def __init__(self, server: ThreadingHTTPServer, thread: threading.Thread) -> None:
        self.port = int(server.server_address[1])
        self._server, self._thread = server, thread

    def close(self) -> None:
        """Stop and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    port: int,
    metrics: Metrics,
    *,
    info: Callable[[], Mapping[str, object]],
    readiness: Problems = no_problems,
    liveness: Problems = no_problems,
    address: str = "127.0.0.1",
) -> Server:
    """Start to answer in a thread of its own.

    Args:
        port: 0 takes a free one.
        metrics: What `/metrics` shows.
        info: What `/info` shows; plain JSON values, no secrets.
        readiness: For `/readyz`.
        liveness: For `/healthz`.
        address: Interface; `0.0.0.0` in a container. There is no authentication: keep it inside.

    Raises:
        OSError: The port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_SECONDS
        server_version = "homeostat"
        sys_version = ""

        def do_GET(self) -> None:
            self._send(*self._answer(self.path.partition("?")[0]))

        def do_HEAD(self) -> None:
            self.do_GET()  # the same, without the body (RFC 9110, 9.3.2)

        def refuse(self) -> None:
            self._send(405, b"GET or HEAD", _TEXT)

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            if status == HTTPStatus.METHOD_NOT_ALLOWED:
                self.send_header("Allow", "GET, HEAD")
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _answer(self, path: str) -> tuple[int, bytes, str]:
            try:
                return self._found(path)
            except Exception as error:  # whoever asks is told, and the thread's traceback is nobody's
                return 500, f"{type(error).__name__}: {error}".encode(), _TEXT

        def _found(self, path: str) -> tuple[int, bytes, str]:
            if path == "/metrics":
                body, content_type = metrics.expose(self.headers.get("Accept", ""))
                return 200, body, content_type
            if path == "/info":
                return 200, json.dumps(info(), sort_keys=True).encode(), _JSON
            if path in ("/healthz", "/readyz"):
                problems = (liveness if path == "/healthz" else readiness)()
                return (503 if problems else 200), "\n".join([*problems] or ["ok"]).encode(), _TEXT
            return 404, b"try /metrics /healthz /readyz /info", _TEXT

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Stay silent: a probe every second is no news."""

    for method in _REFUSED:
        setattr(Handler, f"do_{method}", Handler.refuse)
    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="telemetry", daemon=True, kwargs={"poll_interval": 0.1})
    thread.start()
    return Server(server, thread)
