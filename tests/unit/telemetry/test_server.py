"""One port answers for a process."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from homeostat.telemetry.registry import Metrics
from homeostat.telemetry.server import Server, serve

PROBLEMS: list[str] = []


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a free port whose readiness is `PROBLEMS`."""
    PROBLEMS.clear()
    started = serve(
        0,
        Metrics("governor", "0.1.0"),
        info=lambda: {"name": "governor", "version": "0.1.0", "assignments": {"homeostat.governance": [0]}},
        readiness=lambda: PROBLEMS,
    )
    yield started
    started.close()


def get(server: Server, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    """Status, content type, body."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.read().decode()
    finally:
        connection.close()


def test_metrics_are_prometheus_text_by_default(server: Server) -> None:
    """What any scraper reads."""
    status, content_type, body = get(server, "/metrics")

    assert (status, content_type.startswith("text/plain; version=0.0.4")) == (200, True)
    assert 'homeostat_build_info{service="governor",version="0.1.0"} 1.0' in body


def test_metrics_are_openmetrics_if_asked_for(server: Server) -> None:
    """By the Accept header."""
    _, content_type, body = get(server, "/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_a_process_without_problems_is_alive_and_ready(server: Server) -> None:
    """200 on both."""
    assert get(server, "/healthz")[::2] == (200, "ok")
    assert get(server, "/readyz")[::2] == (200, "ok")


def test_a_process_that_is_not_ready_says_why_and_lives(server: Server) -> None:
    """503 with the reasons, and no restart."""
    PROBLEMS.extend(["restoring homeostat.governance[0]", "no broker"])

    assert get(server, "/readyz")[::2] == (503, "restoring homeostat.governance[0]\nno broker")
    assert get(server, "/healthz")[0] == 200


def test_info_says_what_runs_here(server: Server) -> None:
    """As JSON."""
    assert json.loads(get(server, "/info")[2])["assignments"] == {"homeostat.governance": [0]}


def test_another_path_says_which_there_are(server: Server) -> None:
    """404 with a hint; a query string does not matter."""
    assert get(server, "/nothing")[0] == 404
    assert get(server, "/healthz?probe=1")[0] == 200


def test_a_taken_port_is_an_error_at_once(server: Server) -> None:
    """Not a silent process without metrics."""
    with pytest.raises(OSError, match="in use"):
        serve(server.port, Metrics("x", "0"), info=dict)


def test_a_closed_server_frees_its_port() -> None:
    """So that a restart does not fail."""
    first = serve(0, Metrics("x", "0"), info=dict)
    first.close()

    second = serve(first.port, Metrics("x", "0"), info=dict)

    assert second.port == first.port
    second.close()


def ask(server: Server, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers but for the date, and whatever follows them until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65_536), b"")).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    headers.pop("Date")
    return int(status.split()[1]), headers, body


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/info", "/nothing"])
def test_head_is_get_without_a_body(server: Server, path: str) -> None:
    """The same status and headers, the length of the body too, and not one byte of it; ready or not."""
    for problems in ([], ["no broker"]):
        PROBLEMS[:] = problems

        status, headers, body = ask(server, "GET", path)
        headed, others, nothing = ask(server, "HEAD", path)

        assert headers["Content-Length"] == str(len(body))
        if path == "/metrics":  # processor time goes on
            others["Content-Length"] = headers["Content-Length"]
        assert (headed, others, nothing) == (status, headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_another_method_is_told_which_there_are(server: Server, method: str) -> None:
    """405, with what is allowed."""
    status, headers, _ = ask(server, method, "/healthz")

    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_what_cannot_be_shown_is_an_answer() -> None:
    """A probe that fails by a bug gets a 500 and the reason, not a closed connection."""

    def broken() -> dict[str, object]:
        raise ZeroDivisionError("no partitions")

    started = serve(0, Metrics("x", "0"), info=broken)

    status, _, body = ask(started, "GET", "/info")

    assert (status, body) == (500, b"ZeroDivisionError: no partitions")
    started.close()
