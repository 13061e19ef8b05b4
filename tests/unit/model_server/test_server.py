"""The door of the model server."""

import json
from collections.abc import Callable

import httpx2
import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from safetensors.numpy import save

from homeostat.artifacts import ArtifactStore
from homeostat.services.model_server.router import Router
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from homeostat.serving import Deployment
from homeostat.serving.batches import MSGPACK, encode_batch

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


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/models", "/models/dock/camera-1/deployment", "/nothing"])
def test_head_is_get_without_a_body(client: httpx2.Client, path: str) -> None:
    """For whatever can be got; the bytes are left to the server below, the rest is the same."""
    got, headed = client.get(path), client.head(path)

    assert (headed.status_code, headed.headers) == (got.status_code, got.headers)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/healthz", {"GET", "HEAD"}), ("DELETE", "/metrics", {"GET", "HEAD"}), ("GET", PREDICT, {"POST"})],
)
def test_another_method_is_told_which_there_are(
    client: httpx2.Client, method: str, path: str, allowed: set[str]
) -> None:
    """405, with what is allowed."""
    response = client.request(method, path)

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("value", [3e38, -3e38, 1e38, 1e-45])
@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_finite_inputs_have_finite_answers(
    store: ArtifactStore, transport_of: Callable[[Router], httpx2.BaseTransport], value: float, form: str
) -> None:
    """As large as float32 goes, through weights that overflow it: a class and a confidence, never null."""
    rng = np.random.default_rng(0)
    shapes = {"w1": (2, 8), "b1": (8,), "w2": (8, 3), "b2": (3,)}
    weights = save({name: (100 * rng.normal(size=shape)).astype(np.float32) for name, shape in shapes.items()})
    router = Router(store)
    router.apply("dock/camera-1", Deployment("g", "1", "old", artifacts={"old": store.put(weights)}))
    client = httpx2.Client(base_url="http://server", transport=transport_of(router))
    x = np.array([[value, value], [1.0, 2.0]], np.float32)

    if form == "json":
        found = client.post(PREDICT, json={"request": ["a", "b"], "inputs": x.tolist()}).json()
    else:
        packed = client.post(PREDICT, content=encode_batch(["a", "b"], x), headers={"content-type": MSGPACK})
        found = msgspec.msgpack.decode(packed.content)
    alone = client.post(PREDICT, json={"request": ["b"], "inputs": [[1.0, 2.0]]}).json()

    assert all(0 < score <= 1 for score in found["served"]["score"])
    assert found["served"]["prediction"][1:] == alone["served"]["prediction"]
    assert found["served"]["score"][1:] == alone["served"]["score"]


def test_an_answer_that_is_no_number_is_an_error(
    store: ArtifactStore, transport_of: Callable[[Router], httpx2.BaseTransport]
) -> None:
    """Beyond float64 too: 422 with the row, for callers of the version; a shadow's is left out."""
    layers = {f"w{layer}": np.full((2, 2), 3e38, np.float32) for layer in range(1, 10)}
    biases = {f"b{layer}": np.zeros(2, np.float32) for layer in range(1, 10)}
    plain = {
        name: np.eye(2, dtype=np.float32) if name[0] == "w" else array for name, array in (layers | biases).items()
    }
    artifacts = {"deep": store.put(save(layers | biases)), "plain": store.put(save(plain))}
    router = Router(store)
    client = httpx2.Client(base_url="http://server", transport=transport_of(router))
    body = {"request": ["a", "b"], "inputs": [[0.0, 0.0], [3e38, 3e38]]}

    router.apply("dock/camera-1", Deployment("g", "1", "deep", artifacts=artifacts))
    refused = client.post(PREDICT, json=body)
    router.apply("dock/camera-1", Deployment("g", "2", "plain", shadows=("deep",), artifacts=artifacts))
    answered = client.post(PREDICT, json=body)

    assert refused.status_code == 422
    assert refused.json()["reason"] == "answer_not_finite"
    assert "row 1, request 'b'" in refused.json()["detail"]
    assert answered.json()["mirrored"]["deep"]["rows"] == [0]
    assert b"null" not in answered.content


@pytest.mark.parametrize("number", ["1e39", "1" + "0" * 400, "-1e400"])
def test_a_number_that_float32_does_not_hold_is_a_bad_request(client: httpx2.Client, number: str) -> None:
    """Though it is finite JSON."""
    body = f'{{"request": ["a"], "inputs": [[{number}, 0]]}}'.encode()

    response = client.post(PREDICT, content=body, headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["reason"]) == (400, "batch_invalid")


def test_a_bug_is_an_answer_with_a_reason(
    store: ArtifactStore,
    constant: Callable[[int], bytes],
    transport_of: Callable[[Router], httpx2.BaseTransport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """500 in the form of every other refusal; the log has the traceback."""
    router = Router(store)
    client = httpx2.Client(base_url="http://server", transport=transport_of(router))

    def broken(_: object, model: str) -> object:
        raise ZeroDivisionError(model)

    monkeypatch.setattr(Router, "state", broken)

    response = client.get("/models/dock/camera-1/deployment")

    assert response.status_code == 500
    assert response.json() == {"reason": "failed", "detail": "ZeroDivisionError: dock/camera-1"}


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
