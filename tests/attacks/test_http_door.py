"""Strangers at the HTTP door: what they send is bounded, and becomes nothing but an event of a door."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from tests.unit.http_door.conftest import MODEL, MemorySink, binary, structured

from homeostat.services.http_door.access import Access
from homeostat.services.http_door.server import Door, create_app
from homeostat.services.http_door.settings import HttpDoorSettings
from homeostat.serving import bounds
from homeostat_tools.local_stack.ports import pick_port


class Ground:
    """A door on a port, over a log in memory."""

    def __init__(self) -> None:
        self.sink, self.port = MemorySink(), pick_port(())
        app = create_app(Door(HttpDoorSettings(), Access("127.0.0.1", None, None), self.sink), "0")
        self.server = uvicorn.Server(
            uvicorn.Config(
                app,
                port=self.port,
                http=bounds.BoundedProtocol,
                h11_max_incomplete_event_size=bounds.HEAD_BYTES,
                limit_concurrency=bounds.MAX_CONNECTIONS,
                log_level="critical",
                timeout_graceful_shutdown=1,
            )
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def say(self, raw: bytes, *, is_whole: bool = True) -> bytes:
        """Send bytes; return what comes back until the door closes, or has nothing more to say."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as connection:
            connection.sendall(raw)
            if is_whole:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while more := connection.recv(65_536):
                    answer += more
            except (TimeoutError, ConnectionResetError):
                pass
            return answer

    def post(self, headers: dict[str, str], body: bytes) -> bytes:
        """Send one request."""
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        head = f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
        return self.say(f"{head}{lines}\r\n".encode("latin-1") + body, is_whole=False)


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """With less patience than in the field."""
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(bounds, "BODY_SECONDS", 0.3)
    made = Ground()
    yield made
    made.server.should_exit = True
    made.thread.join(5.0)


def test_slow_and_silent_connections_are_closed(ground: Ground) -> None:
    """A head that does not end, a body that does not come."""
    slow_head = ground.say(b"POST /v1/events HTTP/1.1\r\nhost: local", is_whole=False)
    slow_body = ground.say(
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{", is_whole=False
    )

    assert slow_head == b""
    assert slow_body.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("length", ["5000001", "9" * 30, "-1", "0x10"])
def test_a_body_that_is_too_large_is_not_read(ground: Ground, length: str) -> None:
    """By what is announced."""
    answer = ground.say(
        f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n".encode(), is_whole=False
    )

    assert answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"specversion":' + b"[" * 100_000,
        b'{"specversion":"1.0","data":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"specversion":"1.0","id":"' + b"\\ud800" + b'"}',
        b"\xff\xfe\x00",
        b'{"specversion":"1.0","specversion":"1.0"}',
    ],
)
def test_odd_json_is_a_bad_request(ground: Ground, body: bytes) -> None:
    """Deep, halved, doubled: the door goes on."""
    for media_type in ("application/cloudevents+json", "application/cloudevents-batch+json"):
        assert ground.post({"content-type": media_type}, body).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 "))
    assert ground.post({**binary(), "content-type": "application/json"}, json.dumps(MODEL).encode()).startswith(
        b"HTTP/1.1 202 "
    )


def test_no_header_of_kafka_is_made_up(ground: Ground) -> None:
    """Only attributes and a signature get through: none of the names that Homeostat marks records with."""
    made_up = {"homeostat-forwarded": "0/1", "ce_type": "homeostat.verdict.given.v1", "x-anything": "1"}
    ground.post({**binary(), **made_up, "content-type": "application/json"}, json.dumps(MODEL).encode())
    body = structured(id="2", homeostatforwarded="0/1")
    ground.post({"content-type": "application/cloudevents+json"}, json.dumps(body).encode())

    names = {name for record in ground.sink.records() for name, _ in record.headers}
    types = [dict(record.headers)["ce_type"] for record in ground.sink.records()]
    assert types == [b"homeostat.model.registered.v1"] * 2
    assert {name for name in names if not name.startswith("ce_")} == {"content-type", "traceparent"}
