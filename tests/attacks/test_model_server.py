"""What a stranger who reaches the model server can do: ask for predictions, and nothing else."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import numpy as np
import pytest
import uvicorn
from safetensors.numpy import save

from homeostat.artifacts import FolderStore
from homeostat.audit.secret_file import SecretUnusable, ensure_secret, read_secret
from homeostat.core import Reject
from homeostat.core.identity import sequence
from homeostat.services.model_server import bounds
from homeostat.services.model_server.router import Router
from homeostat.services.model_server.server import create_app
from homeostat.services.model_server.state import StateFile
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from homeostat.serving import Deployment

MODEL = "dock/camera-1"
PATH = f"/models/{MODEL}/deployment"
SOURCE = "/homeostat/governor/homeostat.governance/topic/0"


def weights() -> bytes:
    return save({"w1": np.eye(2, 3, dtype=np.float32), "b1": np.zeros(3, np.float32)})


class Ground:
    """A model server on a socket, with one model, and its token."""

    def __init__(self, folder: Path) -> None:
        store = FolderStore(folder / "artifacts")
        self.digest = store.put(weights())
        self.token_file = folder / "keys" / "model-server.token"
        self.token = ensure_secret(self.token_file)
        self.router = Router(store, StateFile(folder / "state.json"))
        self.router.apply(MODEL, self.deployment(7))
        app = create_app(self.router, lambda: read_secret(self.token_file))
        config = uvicorn.Config(
            app,
            port=0,
            http=bounds.BoundedProtocol,
            h11_max_incomplete_event_size=bounds.HEAD_BYTES,
            limit_concurrency=bounds.MAX_CONNECTIONS,
            ws="none",
            log_level="critical",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def deployment(self, offset: int, source: str = SOURCE) -> Deployment:
        return Deployment(source, sequence(offset), "v1", artifacts={"v1": self.digest})

    def put(self, body: Deployment | bytes, **headers: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return httpx2.put(self.url + PATH, content=content, headers=headers)

    def say(self, data: bytes, later: bytes = b"") -> bytes:
        """What the server answers to raw bytes until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10.0) as one:
            one.sendall(data)
            if later:
                time.sleep(0.1)
                one.sendall(later)
            found = b""
            try:
                while chunk := one.recv(65536):
                    found += chunk
            except ConnectionResetError:
                pass
            return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(bounds, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(bounds, "MAX_CONNECTIONS", 8)
    one = Ground(tmp_path)
    yield one
    one.stop()


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "{token}", "Bearer {head}"],
)
def test_nobody_without_the_token_sets_what_serves(ground: Ground, authorization: str) -> None:
    """Whoever reaches the port could make any version champion: now the answer is 401, and nothing changes."""
    shown = authorization.format(token=ground.token, head=ground.token[:-1])
    before = ground.router.state(MODEL)

    answer = ground.put(ground.deployment(8), **({"authorization": shown} if shown else {}))

    assert (answer.status_code, answer.json()["reason"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert ground.router.state(MODEL) is before


def test_the_hand_sets_with_the_token_that_is_there_now(ground: Ground) -> None:
    """A token that was renewed counts at once, on both sides; a wrong one is a condition that a person ends."""
    with EmbeddedTarget(ground.url, token_file=ground.token_file) as target:
        assert target.apply(MODEL, ground.deployment(8))
        ground.token_file.unlink()
        with pytest.raises(TargetUnreachable, match=r"model-server\.token"):
            target.apply(MODEL, ground.deployment(9))
        assert ensure_secret(ground.token_file) != ground.token
        assert target.apply(MODEL, ground.deployment(9))
    with EmbeddedTarget(ground.url) as stranger, pytest.raises(TargetUnreachable, match="401"):
        stranger.apply(MODEL, ground.deployment(10))


def test_a_token_that_others_can_read_is_none(ground: Ground) -> None:
    """The server says what to do instead of trusting it."""
    ground.token_file.chmod(0o644)

    answer = ground.put(ground.deployment(8), authorization=f"Bearer {ground.token}")

    assert answer.status_code == 503
    assert "chmod 600" in answer.json()["detail"]
    with pytest.raises(SecretUnusable, match="0644"):
        ensure_secret(ground.token_file)


@pytest.mark.parametrize(
    "poison",
    [
        "9999999999999999.9999",
        "9" * 16,
        "1" + "0" * 12,
        "1e9",
        "",
        "\u0669\u0669",
        "-1",
        "0x7",
        "7.",
        "7.00000",
        "~",
        "z",
    ],
)
def test_the_fence_takes_no_sequence_that_no_log_has(ground: Ground, poison: str) -> None:
    """One huge sequence kept every later command out for ever: it is refused, and the next command acts."""
    bad = msgspec.structs.replace(ground.deployment(8), sequence=poison)

    answer = ground.put(bad, authorization=f"Bearer {ground.token}")

    assert (answer.status_code, answer.json()["reason"]) == (422, "sequence_invalid")
    assert ground.put(ground.deployment(8), authorization=f"Bearer {ground.token}").status_code == 200


@pytest.mark.parametrize("source", ["", "x" * 513, "a\nb"])
def test_a_source_is_a_name(ground: Ground, source: str) -> None:
    """What the state file keeps is bounded."""
    answer = ground.put(ground.deployment(8, source), authorization=f"Bearer {ground.token}")

    assert answer.json()["reason"] == "sequence_invalid"


def test_a_fence_that_was_poisoned_before_fences_nothing(tmp_path: Path) -> None:
    """A state file of an earlier version may hold such a sequence; commands act again after a restart."""
    store, file = FolderStore(tmp_path / "artifacts"), StateFile(tmp_path / "state.json")
    digest = store.put(weights())
    Router(store, file).apply(MODEL, Deployment(SOURCE, sequence(7), "v1", artifacts={"v1": digest}))
    states = file.read()
    poisoned = msgspec.structs.replace(states[MODEL], fences={SOURCE: "9999999999999999.9999"})
    file.write({MODEL: poisoned})

    router = Router(store, file)

    assert router.apply(MODEL, Deployment(SOURCE, sequence(8), "v1")).fences == {SOURCE: sequence(8)}
    with pytest.raises(Reject, match="too late"):
        router.apply(MODEL, Deployment(SOURCE, sequence(7), "v1"))


def test_one_source_does_not_fence_another(ground: Ground) -> None:
    """A high sequence of one writer keeps no other writer out."""
    ground.put(ground.deployment(10**12 - 1, "/by-hand"), authorization=f"Bearer {ground.token}")

    assert ground.put(ground.deployment(8), authorization=f"Bearer {ground.token}").status_code == 200


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
