"""Networks and a target in its two forms."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save

from homeostat.artifacts import ArtifactStore, FolderStore
from homeostat.services.model_server.local import LocalTarget
from homeostat.services.model_server.router import Router
from homeostat.services.model_server.server import create_app
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget

Served = LocalTarget | EmbeddedTarget


TOKEN = "token-of-tests"


class InProcess(httpx2.BaseTransport):
    """Carries requests to an application without a network."""

    def __init__(self, router: Router) -> None:
        self._app = create_app(router, lambda: TOKEN)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers.setdefault("authorization", f"Bearer {TOKEN}")

        async def ask() -> httpx2.Response:
            response = await httpx2.ASGITransport(self._app, raise_app_exceptions=False).handle_async_request(request)
            return httpx2.Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run(ask())


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture(params=["local", "embedded"])
def served_by(request: pytest.FixtureRequest) -> Callable[[Router], Served]:
    """Put each form of the target in front of a router."""

    def put(router: Router) -> Served:
        if request.param == "local":
            return LocalTarget(router)
        return EmbeddedTarget("http://server", transport=InProcess(router))

    return put


@pytest.fixture
def transport_of() -> Callable[[Router], httpx2.BaseTransport]:
    """Reach a router through its application, without a network."""
    return InProcess


@pytest.fixture
def constant() -> Callable[..., bytes]:
    """Weights of a network that always says `label` of three."""

    def weights(label: int, width: int = 2) -> bytes:
        bias = np.zeros(3, np.float32)
        bias[label] = 2.0
        w1, b1, w2 = np.eye(width, dtype=np.float32), np.zeros(width, np.float32), np.zeros((width, 3), np.float32)
        return save({"w1": w1, "b1": b1, "w2": w2, "b2": bias})

    return weights
