"""Bodies, heads and connections of strangers are bounded at the model server."""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.attacks.model_server import MODEL, PATH, Ground

from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from homeostat.serving import bounds


@pytest.mark.parametrize(
    ("path", "method", "size"),
    [(PATH, "PUT", bounds.DEPLOYMENT_BYTES + 1), (f"/models/{MODEL}/predict", "POST", bounds.BATCH_BYTES + 1)],
)
def test_a_body_that_is_too_large_is_not_read(ground: Ground, path: str, method: str, size: int) -> None:
    """By its announced length at once; the connection is closed."""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ground.token}\r\ncontent-length: {size}\r\n\r\n"
    )

    answer = ground.say(head.encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer


def test_a_body_that_does_not_say_its_length_is_counted(ground: Ground) -> None:
    """Chunks beyond the bound are 413, too."""

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * (bounds.DEPLOYMENT_BYTES // 16)

    try:
        answer = httpx2.put(ground.url + PATH, content=chunks(), headers={"authorization": f"Bearer {ground.token}"})
    except httpx2.TransportError:
        return  # it was closed while we still wrote
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("begin", "later", "status"),
    [
        (b"", b"", b""),
        (b"GET /healthz HT", b"TP/1.1", b""),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /heal", b"HTTP/1.1 200 "),
        (
            b"POST /models/dock/camera-1/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
            b'"',
            b"HTTP/1.1 408 ",
        ),
    ],
    ids=["nothing", "half a head", "half a second head", "half a body"],
)
def test_a_slow_client_is_not_waited_for(ground: Ground, begin: bytes, later: bytes, status: bytes) -> None:
    """A connection that says nothing, or half of something, is closed within the time for it."""
    started = time.monotonic()

    answer = ground.say(begin, later)

    assert time.monotonic() - started < 5.0
    assert answer.startswith(status)


def test_a_head_is_bounded(ground: Ground) -> None:
    """Headers without end are refused, not collected."""
    answer = ground.say(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"y" * (4 * bounds.HEAD_BYTES))

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_too_many_connections_are_refused_and_the_server_lives(ground: Ground) -> None:
    """Where all are at work the answer is 503; once they are gone, for they are too slow, all is as before."""
    slow = [socket.create_connection(("127.0.0.1", ground.port)) for _ in range(12)]
    for one in slow:
        one.sendall(b"POST /models/dock/camera-1/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")

    statuses = {_status(ground.url)}
    deadline = time.monotonic() + 10.0
    while 200 not in statuses and time.monotonic() < deadline:
        time.sleep(0.1)
        statuses.add(_status(ground.url))

    assert statuses == {503, 200}
    for one in slow:
        one.close()


def test_silent_connections_keep_nobody_out(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they may stay: the one that has been idle for longest makes room."""
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 60.0)
    silent = [socket.create_connection(("127.0.0.1", ground.port)) for _ in range(50)]

    assert {_status(ground.url) for _ in range(20)} == {200}
    assert ground.put(ground.deployment(8), authorization=f"Bearer {ground.token}").status_code == 200
    for one in silent:
        one.close()


def _status(url: str, get: Callable[..., Any] = httpx2.get) -> int:
    return int(get(f"{url}/healthz").status_code)


def test_a_full_disk_changes_nothing(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept is not served: the hand is told to ask again, and once there is room it is set."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = ground.router.state(MODEL)
    with monkeypatch.context() as patch, EmbeddedTarget(ground.url, token_file=ground.token_file) as target:
        patch.setattr("homeostat.durable_file.os.fsync", full)
        with pytest.raises(TargetUnreachable, match="No space left"):
            target.apply(MODEL, ground.deployment(8))
    assert ground.router.state(MODEL) is before

    with EmbeddedTarget(ground.url, token_file=ground.token_file) as target:
        assert target.apply(MODEL, ground.deployment(8))
