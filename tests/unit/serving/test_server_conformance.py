"""`homeostat conform server`: ours pass, and each wrong server fails on the lines that are wrong with it."""

import asyncio
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from homeostat.artifacts import ArtifactStore, FolderStore
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.runtime.memory import MemoryLog
from homeostat.services.model_server.router import Router
from homeostat.services.model_server.server import create_app
from homeostat.serving import Served
from homeostat.serving.deployment_http import DeploymentProtocol
from homeostat_tools.cli.app import app
from homeostat_tools.server_conformance import BROKEN, MODEL, Answer, Ask, Check, Conformance, tiny_network

TOKEN, OWN = "a-token", "shop/ranker"
OLDER = "an older sequence"
Faulty = Callable[[Ask], Ask]


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
    one = Served(OWN, "v1", lambda x: np.zeros(len(x)), load=load, client=client, store=store)
    yield one
    one.close()


@pytest.fixture
def embedded(store: ArtifactStore) -> Ask:
    """The server that comes along."""
    application = create_app(Router(store), lambda: TOKEN)

    def ask(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}

        async def send() -> Answer:
            transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
                answer = await client.request(method, f"/models/{model}/deployment", content=body, headers=headers)
            return Answer(answer.status_code, answer.content)

        return asyncio.run(send())

    return ask


def own(served: Served) -> Ask:
    """The protocol of a model that serves itself."""
    protocol = DeploymentProtocol([served], lambda: TOKEN)

    def ask(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        shown = "" if token is None else f"Bearer {token}"
        answer = protocol.respond(method, f"/models/{model}/deployment", shown, body or b"")
        return Answer(answer.status, answer.body)

    return ask


def tried(ask: Ask, store: ArtifactStore, model: str, content: bytes | None, offset: int = 10**6) -> list[Check]:
    """Every check."""
    artifact = None if content is None else store.put(content)
    one = Conformance(ask, TOKEN, model=model, artifact=artifact, broken=store.put(BROKEN), offset=offset)
    return list(one.run())


def test_the_embedded_server_conforms_again_and_again(embedded: Ask, store: ArtifactStore) -> None:
    """To every promise, on a model of its own, also where an earlier run has left it."""
    for offset in (10**6, 10**6 + 1):
        checks = tried(embedded, store, MODEL, tiny_network(), offset)

        assert [check for check in checks if check.outcome != "ok"] == []
    assert len(checks) == 22


def test_a_model_that_serves_itself_conforms_and_serves_on(served: Served, store: ArtifactStore) -> None:
    """What it served before is set again; without anything to load the candidate's lines are left open."""
    checks = tried(own(served), store, OWN, pickle.dumps(1.0))
    open_ = tried(own(served), store, OWN, None, 10**6 + 1)

    assert [check for check in checks if check.outcome != "ok"] == []
    assert [check.name for check in open_ if check.outcome != "ok"] == [
        "the same sequence with another body",
        "a canary and its weight",
    ]
    assert (served.state.deployment.champion, served.state.deployment.canary) == ("v1", None)


def changed(**fields: Any) -> Callable[[bytes], bytes]:
    """A body with other fields."""

    def change(body: bytes) -> bytes:
        try:
            return msgspec.json.encode(msgspec.json.decode(body) | fields)
        except (msgspec.MsgspecError, TypeError):
            return body

    return change


def any_token(ask: Ask) -> Ask:
    return lambda method, model, body, token: ask(method, model, body, TOKEN)


def without_fence(ask: Ask) -> Ask:
    count = iter(range(1, 1000))

    def wrong(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        if body is not None and b'"latest"' not in body:
            body = changed(sequence=f"{10**7 + next(count)}.0")(body)
        return ask(method, model, body, token)

    return wrong


def one_fence_for_all(ask: Ask) -> Ask:
    return lambda method, model, body, token: ask(method, model, body and changed(source="/one")(body), token)


def deaf_to_weights(ask: Ask) -> Ask:
    def wrong(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        is_canary = body is not None and b'"conform-b"' in body and b"0.01" in body
        return ask(method, model, changed(weight=0.02)(body) if is_canary and body else body, token)

    return wrong


def failing_at_forms(ask: Ask) -> Ask:
    def wrong(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        answer = ask(method, model, body, token)
        return Answer(500, b"Traceback") if answer.refusal.reason == "deployment_invalid" else answer

    return wrong


def without_reasons(ask: Ask) -> Ask:
    def wrong(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        answer = ask(method, model, body, token)
        return answer if answer.status < 400 else Answer(answer.status, b"no")

    return wrong


def says_yes_and_does_nothing(ask: Ask) -> Ask:
    def wrong(method: str, model: str, body: bytes | None, token: str | None) -> Answer:
        answer = ask(method, model, body, token)
        return Answer(200, b"{}") if answer.refusal.reason.startswith("artifact") else answer

    return wrong


FORMS = {
    "a field it does not know",
    "a weight above 1",
    "a weight without a canary",
    "a version in two roles",
    "a field that is missing",
    "a body that is no JSON",
}


@pytest.mark.parametrize(
    ("fault", "lines"),
    [
        (any_token, {"without a token", "with another token"}),
        (without_fence, {"the same sequence with another body", OLDER}),
        (one_fence_for_all, {"an older one of another source"}),
        (deaf_to_weights, {"a canary and its weight"}),
        (failing_at_forms, FORMS),
        (without_reasons, {OLDER}),
        (
            says_yes_and_does_nothing,
            {
                "a version that nobody named an artifact of",
                "an artifact that is not in the store",
                "an artifact that cannot be loaded",
            },
        ),
    ],
)
def test_a_wrong_server_fails_on_the_lines_that_are_wrong(
    served: Served, store: ArtifactStore, fault: Faulty, lines: set[str]
) -> None:
    """And on no others."""
    checks = tried(fault(own(served)), store, OWN, pickle.dumps(1.0))

    assert {check.name for check in checks if check.outcome == "failed"} == lines


def run(store: ArtifactStore, folder: Path, *arguments: str) -> Any:
    """The command."""
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    given = ("--token-file", str(folder / "token"), "--data-dir", str(folder), "--store", str(folder / "artifacts"))
    return CliRunner().invoke(app, ["conform", "server", *arguments, *given])


def test_the_command_says_what_was_expected_and_what_came(served: Served, store: ArtifactStore, tmp_path: Path) -> None:
    """One object a line; a listener that conforms exits 0, one that takes no other model says what to name."""
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(1.0))
    listener = DeploymentProtocol([served], lambda: TOKEN).listen()
    try:
        whole = ("--model", OWN, "--artifact", str(tmp_path / "model.pickle"), "--json")
        right, other = run(store, tmp_path, listener.url, *whole), run(store, tmp_path, listener.url)
    finally:
        listener.close()
    gone = run(store, tmp_path, listener.url)

    lines = [json.loads(line) for line in right.stdout.splitlines()]
    assert (right.exit_code, {line["result"] for line in lines}) == (0, {"ok"})
    assert lines[0] == {
        "check": "without a token",
        "result": "ok",
        "expected": "401, and nothing changes",
        "came": lines[0]["came"],
    }
    assert (other.exit_code, "name one that has no traffic with --model" in other.stderr) == (2, True)
    assert (gone.exit_code, "is the server running?" in gone.stderr) == (1, True)


def test_a_server_that_keeps_no_promise_fails_the_command(
    served: Served, store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 1, so that a build stops."""
    monkeypatch.setattr("homeostat.serving.deployment_http.authorize", lambda shown, token: None)
    listener = DeploymentProtocol([served], lambda: TOKEN).listen()
    try:
        wrong = run(store, tmp_path, listener.url, "--model", OWN, "--json")
    finally:
        listener.close()

    failed = [line["check"] for line in map(json.loads, wrong.stdout.splitlines()) if line["result"] == "failed"]
    assert (wrong.exit_code, failed) == (1, ["without a token", "with another token"])
