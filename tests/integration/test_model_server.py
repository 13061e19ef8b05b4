"""The embedded model server as its own process."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save

from homeostat.artifacts import FolderStore
from homeostat.core import Retry
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget
from homeostat.serving import Deployment

MODEL = "dock/camera-1"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], EmbeddedTarget]]]:
    """Start the server on one port and one state file, as often as it is called."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started: list[tuple[subprocess.Popen[bytes], EmbeddedTarget]] = []

    def once() -> tuple[subprocess.Popen[bytes], EmbeddedTarget]:
        token = tmp_path / "keys" / "model-server.token"
        files = ["--artifacts", str(tmp_path / "store"), "--state", str(tmp_path / "state.json")]
        place = ["--token", str(token), "--port", str(port), *files]
        process = subprocess.Popen(
            [sys.executable, "-m", "homeostat.services.model_server", *place],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        target = EmbeddedTarget(f"http://127.0.0.1:{port}", token_file=token)
        started.append((process, target))
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=7)) as client:  # backs off 0.5 s, 1 s, 2 s …
            assert client.get(f"http://127.0.0.1:{port}/healthz").is_success
        return process, target

    yield once
    for process, target in started:
        target.close()
        process.kill()
        process.wait()


def test_a_killed_server_serves_the_same_again(
    start: Callable[[], tuple[subprocess.Popen[bytes], EmbeddedTarget]], tmp_path: Path
) -> None:
    """After kill -9 and a restart champion, canary, shadows, weights and fence are as they were."""
    store = FolderStore(tmp_path / "store")
    rng = np.random.default_rng(0)
    artifacts = {
        name: store.put(
            save(
                {
                    "w1": rng.normal(size=(64, 64)).astype(np.float32),
                    "b1": np.zeros(64, np.float32),
                    "w2": rng.normal(size=(64, 10)).astype(np.float32),
                    "b2": np.zeros(10, np.float32),
                }
            )
        )
        for name in ("champion", "canary", "shadow")
    }
    ids, x = [f"request-{i}" for i in range(100)], rng.normal(size=(100, 64)).astype(np.float32)
    process, target = start()
    target.apply(MODEL, Deployment("g", "2", "champion", "canary", 0.3, ("shadow",), artifacts))
    before = target.predict(MODEL, ids, x)

    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(Retry):
        target.predict(MODEL, ids, x)
    _, target = start()

    after = target.predict(MODEL, ids, x)
    assert (after.served, after.mirrored, after.roles) == (before.served, before.mirrored, before.roles)
    assert {"champion", "canary"} == set(after.served.version)
    assert not target.apply(MODEL, Deployment("g", "1", "canary"))
