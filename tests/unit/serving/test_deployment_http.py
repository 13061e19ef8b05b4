"""A model of one's own is set by the rollout actuator's own client, over a listener and inside an application."""

import asyncio
import pickle
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from homeostat.artifacts import ArtifactStore, FolderStore
from homeostat.audit.secret_file import read_secret
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.core import Reject, Retry
from homeostat.runtime.memory import MemoryLog
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from homeostat.serving import Deployment, Served
from homeostat.serving.deployment_http import DeploymentProtocol

MODEL, TOKEN = "shop/ranker", "a-token"


def load(content: bytes) -> Callable[[Any], Any]:
    """A model with one opinion."""
    value = float(pickle.loads(content))
    return lambda x: np.full(len(x), value)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def served(store: ArtifactStore) -> Iterator[Served]:
    """A model that says 0."""
    client = Client(source="/shop", logs=MemoryLogs(MemoryLog(partitions=1)))
    one = Served(MODEL, "v1", lambda x: np.zeros(len(x)), load=load, client=client, store=store)
    yield one
    one.close()


class InApplication(httpx2.BaseTransport):
    """Carries requests to an ASGI application without a network."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        async def ask() -> httpx2.Response:
            response = await httpx2.ASGITransport(self._app).handle_async_request(request)
            return httpx2.Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run(ask())


@pytest.fixture(params=["listener", "asgi"])
def target(request: pytest.FixtureRequest, served: Served, tmp_path: Path) -> Iterator[EmbeddedTarget]:
    """The actuator's client of it."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    protocol = DeploymentProtocol([served], lambda: TOKEN)
    if request.param == "asgi":
        with EmbeddedTarget(
            "http://app", token_file=tmp_path / "token", transport=InApplication(protocol.asgi())
        ) as one:
            yield one
        return
    listener = protocol.listen()
    with EmbeddedTarget(listener.url, token_file=tmp_path / "token") as one:
        yield one
    listener.close()


def test_a_rollout_sets_it(target: EmbeddedTarget, served: Served, store: ArtifactStore) -> None:
    """At once; a command that comes late does nothing, the same one may come again."""
    promoted = Deployment("/governor", "2.0", "v2", artifacts={"v2": store.put(pickle.dumps(1.0))})

    assert target.apply(MODEL, promoted)
    assert target.apply(MODEL, promoted)
    assert not target.apply(MODEL, Deployment("/governor", "1.0", "v1"))

    assert served([[1.0]]).version == ["v2"]
    assert target.deployment(MODEL).champion == "v2"


def test_what_cannot_be_served_is_said(target: EmbeddedTarget, served: Served, store: ArtifactStore) -> None:
    """For ever, and what served before still does."""
    with pytest.raises(Reject, match="artifact_unusable"):
        target.apply(MODEL, Deployment("/governor", "1.0", "v2", artifacts={"v2": store.put(b"junk")}))
    with pytest.raises(Reject, match="not_found"):
        target.apply("shop/other", Deployment("/governor", "1.0", "v1"))

    assert served([[1.0]]).version == ["v1"]


def test_nobody_else_sets_it(served: Served, tmp_path: Path) -> None:
    """Without the token nothing is set."""
    (tmp_path / "token").write_text("another-one")
    (tmp_path / "token").chmod(0o600)
    listener = DeploymentProtocol([served], lambda: TOKEN).listen()
    with EmbeddedTarget(listener.url, token_file=tmp_path / "token") as stranger, pytest.raises(TargetUnreachable):
        stranger.apply(MODEL, Deployment("/governor", "9.0", "v1"))
    listener.close()

    assert served.state.fences.keys() == {"process"}


def test_a_token_that_cannot_be_read_passes(served: Served, tmp_path: Path) -> None:
    """A person mends it: the actuator asks again."""
    listener = DeploymentProtocol([served], lambda: read_secret(tmp_path / "nowhere")).listen()
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    with EmbeddedTarget(listener.url, token_file=tmp_path / "token") as target, pytest.raises(Retry):
        target.apply(MODEL, Deployment("/governor", "9.0", "v1"))
    listener.close()


@pytest.mark.parametrize("length", ["x", "-1", "99999999999", "0"])
def test_odd_requests_do_not_end_it(served: Served, length: str) -> None:
    """It goes on listening."""
    listener = DeploymentProtocol([served], lambda: TOKEN).listen()
    host, port = listener.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"PUT /models/{MODEL}/deployment HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    after = httpx2.get(f"{listener.url}/models/{MODEL}/deployment")
    listener.close()

    assert b" 401 " in answer or b" 413 " in answer
    assert after.status_code == 200
