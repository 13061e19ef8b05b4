"""One port answers for a process."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from homeostat.telemetry import Metrics, Server, serve

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
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
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
