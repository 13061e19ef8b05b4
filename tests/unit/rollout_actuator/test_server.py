"""The door of the model server."""

import json
from collections.abc import Callable

import httpx2
import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeostat.artifacts import ArtifactStore
from rollout_actuator.targets.base import Deployment
from rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from rollout_actuator.targets.router import Router
from rollout_actuator.targets.wire import MSGPACK, encode_batch

PREDICT = "/models/dock/camera-1/predict"


@pytest.fixture
def client(
    store: ArtifactStore, constant: Callable[[int], bytes], transport_of: Callable[[Router], httpx2.BaseTransport]
) -> httpx2.Client:
    router = Router(store)
    artifacts = {name: store.put(constant(label)) for label, name in enumerate(("old", "new", "third"))}
    router.apply("dock/camera-1", Deployment("g", "1", "old", "new", 0.5, ("third",), artifacts))
    return httpx2.Client(base_url="http://server", transport=transport_of(router))


def test_json_and_msgpack_say_the_same(client: httpx2.Client) -> None:
    """The form of a batch decides the form of the answer, not its content."""
    x = np.array([[0.5, 1.0], [2.0, 3.0]], np.float32)

    packed = client.post(PREDICT, content=encode_batch(["a", "b"], x), headers={"content-type": MSGPACK})
    plain = client.post(PREDICT, json={"request": ["a", "b"], "inputs": x.tolist()})

    one, other = msgspec.msgpack.decode(packed.content), plain.json()
    assert one.pop("latency_seconds") > 0.0
    assert other.pop("latency_seconds") > 0.0
    assert one == other
    assert other["roles"] == {"old": "champion", "new": "canary", "third": "shadow"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"request": []}',
        b'{"request": [], "inputs": []}',
        b'{"request": ["a"], "inputs": [[1, 2], [3, 4]]}',
        b'{"request": ["a", "b"], "inputs": [[1, 2], [3]]}',
        b'{"request": ["a"], "inputs": [[1, 1e999]]}',
        b'{"request": ["a"], "inputs": [[1, 2]], "else": 1}',
    ],
)
def test_a_batch_that_does_not_fit_is_a_bad_request(client: httpx2.Client, body: bytes) -> None:
    """The answer is 400, with a reason and what is wrong."""
    response = client.post(PREDICT, content=body, headers={"content-type": "application/json"})

    assert response.status_code == 400
    assert response.json()["reason"] == "batch_invalid"


def test_msgpack_inputs_must_fill_the_rows(client: httpx2.Client) -> None:
    """Bytes that are no whole number of rows are refused."""
    body = msgspec.msgpack.encode({"request": ["a"], "inputs": b"\0" * 7, "width": 2})

    assert client.post(PREDICT, content=body, headers={"content-type": MSGPACK}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/models/dock/camera-1/deployment", {"source": "g", "sequence": "0", "champion": "old"}, 409),
        ("/models/dock/camera-1/deployment", {"source": "g", "sequence": "2", "champion": "x"}, 422),
        ("/models/dock/camera-1/deployment", {"source": "g", "sequence": "2"}, 422),
        ("/models/dock/camera-1/deployment", {"source": "g", "sequence": "2", "champion": "old", "weight": 2}, 422),
        ("/models/dock/camera-1/deployment", {"source": "g", "sequence": "2", "champion": "old", "canary": "old"}, 422),
    ],
)
def test_a_refused_deployment_says_why(client: httpx2.Client, path: str, body: dict[str, object], status: int) -> None:
    """Too late is 409; what cannot be served is 422."""
    response = client.put(path, content=json.dumps(body))

    assert response.status_code == status
    assert response.json()["detail"]


def test_it_lists_what_it_serves(client: httpx2.Client) -> None:
    """Models, one deployment, health."""
    assert client.get("/models").json() == {"models": ["dock/camera-1"]}
    assert client.get("/models/dock/camera-1/deployment").json()["deployment"]["canary"] == "new"
    assert client.get("/models/dock/camera-2/deployment").status_code == 404
    assert client.get("/healthz").json() == {"status": "ok", "models": 1}


def test_metrics_count_requests_by_role(client: httpx2.Client) -> None:
    """Every answer is counted once, served or mirrored, and the loaded versions are shown."""
    ids = [f"r{i}" for i in range(40)]
    client.post(PREDICT, content=encode_batch(ids, np.zeros((40, 2), np.float32)), headers={"content-type": MSGPACK})

    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}

    count = {
        (sample.labels["role"], sample.labels["served"]): sample.value
        for sample in families["homeostat_server_requests"].samples
        if sample.name.endswith("_total")
    }
    assert count["champion", "true"] + count["canary", "true"] == 40
    assert count["champion", "true"] + count["champion", "false"] == 40
    assert count["shadow", "false"] == 40
    assert {sample.labels["version"] for sample in families["homeostat_server_version_info"].samples} == {
        "old",
        "new",
        "third",
    }


def test_a_server_that_is_away_can_be_asked_again() -> None:
    """No answer, and a 503, are passing conditions that name the server."""

    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    def busy(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(503, json={"reason": "unavailable", "detail": "the store is away"})

    for answer in (away, busy):
        with (
            EmbeddedTarget("http://server", transport=httpx2.MockTransport(answer)) as target,
            pytest.raises(TargetUnreachable, match="http://server"),
        ):
            target.apply("dock/camera-1", Deployment("g", "1", "old"))
