"""What a stranger who reaches the model server can do: ask for predictions, and nothing else."""

from pathlib import Path

import msgspec
import pytest
from tests.attacks.model_server import MODEL, SOURCE, Ground, weights

from homeostat.artifacts import FolderStore
from homeostat.audit.secret_file import SecretUnusable, ensure_secret
from homeostat.core import Reject
from homeostat.core.identity import sequence
from homeostat.services.model_server.router import Router
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget, TargetUnreachable
from homeostat.serving import Deployment
from homeostat.serving.state_file import StateFile


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
