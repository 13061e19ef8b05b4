"""A model behind FastAPI: it is set, its callers hear the ids that labels refer to, it says everything at the end."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from tests.support.serving import canary, told

from homeostat.artifacts import ArtifactStore
from homeostat.events import Samples
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Served
from homeostat.serving.middleware import HomeostatMiddleware

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """One is enough."""
    return "asyncio"


@pytest.fixture
def served(make: Callable[..., Served]) -> Served:
    """A model."""
    return make()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """Of an app with one route that asks the model in a coroutine, and one that asks it in a thread."""
    app = FastAPI()
    app.add_middleware(HomeostatMiddleware, served=[served], token=lambda: "secret", id_header="x-request-id")

    @app.post("/later")
    async def later(rows: list[list[float]]) -> list[str]:
        return list((await served.answer(np.array(rows))).prediction)

    @app.post("/now")
    def now(rows: list[list[float]]) -> list[str]:
        return [str(served(np.array([row])).prediction[0]) for row in rows]

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        yield client


@pytest.mark.parametrize("path", ["/later", "/now"])
async def test_callers_hear_the_ids(client: httpx2.AsyncClient, served: Served, log: MemoryLog, path: str) -> None:
    """That of the call for its first row, numbered ones for the others, asked at once or one by one."""
    response = await client.post(path, json=[[1, 2], [3, 4]], headers={"x-request-id": "order-7"})
    assert response.json() == ["no", "no"]
    assert response.headers["homeostat-request"] == "order-7"
    assert response.headers["homeostat-version"] == "v1"
    assert served.flush()

    assert [id_ for samples in told(log, Samples) for id_ in samples.request] == ["order-7", "order-7.1"]


async def test_a_call_without_an_id_gets_one(client: httpx2.AsyncClient) -> None:
    """As does one whose id has no place."""
    first = await client.post("/now", json=[[1, 2]])
    second = await client.post("/now", json=[[1, 2]], headers={"x-request-id": "x" * 101})

    assert first.headers["homeostat-request"] != second.headers["homeostat-request"] != "x" * 101


async def test_deployments_come_by_the_same_app(
    client: httpx2.AsyncClient,
    served: Served,
    store: ArtifactStore,
) -> None:
    """With the token, below the path; everything else is the app's."""
    body: dict[str, Any] = {"source": "/governor", "sequence": "1.0", "champion": "v1"}
    url = f"/homeostat/models/{served.model}/deployment"

    assert (await client.put(url, json=body)).status_code == 401
    assert (await client.put(url, json=body, headers={"authorization": "Bearer secret"})).status_code == 200
    assert (await client.get(url)).json()["deployment"]["sequence"] == "1.0"
    assert (await client.get("/homeostat")).status_code == 404
    served.apply(canary(store, 1.0, "2.0"))
    answered = await client.post("/now", json=[[1, 2]])
    assert answered.headers["homeostat-version"] == "v2"
