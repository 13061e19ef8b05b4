"""The forest of the examples: its recipe trains, and what that has saved is served."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_digits

from homeostat.artifacts import FolderStore
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.recipe import Job, JobArm, Line
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Deployment, Served

EXAMPLE = Path(__file__).parents[3] / "examples" / "sklearn"


@pytest.fixture(scope="module")
def serve() -> ModuleType:
    """The module of the server."""
    spec = importlib.util.spec_from_file_location("serve", EXAMPLE / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_retrained_forest_is_served(serve: ModuleType, tmp_path: Path) -> None:
    """In a process of its own, then in place of one that knows nothing of turned pictures."""
    digits = load_digits()
    (tmp_path / "out").mkdir()
    np.savez(tmp_path / "data.npz", x=digits.data[:300].astype(np.float32), y=digits.target[:300].astype(float))
    arms = (JobArm("refit_200", {"rows": 200}, None), JobArm("refit_all", {"rows": 0}, None))
    job = Job(arms, str(tmp_path / "data.npz"), None, str(tmp_path / "out"), 7)
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))

    done = subprocess.run(
        [sys.executable, EXAMPLE / "recipe.py", tmp_path / "job.json"], capture_output=True, check=True
    )

    lines = [msgspec.json.decode(line, type=Line) for line in done.stdout.splitlines()]
    assert [(line.arm, line.error) for line in lines] == [("refit_200", ""), ("refit_all", "")]
    store = FolderStore(tmp_path / "artifacts")
    digest = store.put((tmp_path / "out" / lines[1].path).read_bytes())
    client = Client(source="/post", logs=MemoryLogs(MemoryLog(partitions=1)))
    served = Served(serve.MODEL, "v1", lambda x: np.zeros(len(x), int), load=serve.load, client=client, store=store)
    served.apply(Deployment("/governor", "1.0", "v2", artifacts={"v2": digest}))
    answer = served(digits.data[300:500])
    served.close()

    assert set(answer.version) == {"v2"}
    assert (answer.prediction == digits.target[300:500]).mean() > 0.8
