"""The app of the examples: it answers, its labels refer to answers, a retrain of its recipe serves."""

import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import msgspec
import numpy as np
import pytest

from homeostat.artifacts import FolderStore, open_store
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.codec import decode_event
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.logs import TELEMETRY, TIMELINE
from homeostat.recipe import Job, JobArm, Line
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.memory_loop import MemoryLoop
from homeostat.runtime.settings import HostSettings
from homeostat.services.intake.telemetry import TelemetryIntake

pytestmark = pytest.mark.anyio
EXAMPLE = Path(__file__).parents[3] / "examples" / "fastapi"


@pytest.fixture
def anyio_backend() -> str:
    """One is enough."""
    return "asyncio"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The module of the app."""
    spec = importlib.util.spec_from_file_location("app", EXAMPLE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module  # FastAPI looks annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def log() -> MemoryLog:
    """A broker in memory."""
    return MemoryLog(partitions=1)


@pytest.fixture
async def http(module: ModuleType, log: MemoryLog, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks the app."""
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o600)
    client = Client(source="/clinic", logs=MemoryLogs(log), settings=HostSettings(data_dir=tmp_path))
    app = module.make(client, tmp_path / "token")
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://app") as asking,
    ):
        yield asking


async def test_what_it_answers_and_hears_is_admitted(
    http: httpx2.AsyncClient, module: ModuleType, log: MemoryLog
) -> None:
    """Registrations, rows with what is missing in them, and the label under the id of the response."""
    body = [{"age": 50, "sex": "male", "bmi": 26.1}, {"age": 61}]
    answered = await http.post("/forecast", json=body)
    request = answered.headers["homeostat-request"]
    labelled = await http.post("/outcomes", json=[{"request": request, "progression": 151.0}])

    assert len(answered.json()) == 2
    assert labelled.status_code == 202
    admitted = await _timeline(log, 3)
    assert [type(event) for event in admitted] == [ModelRegistered, Samples, Labels]
    samples = admitted[1]
    assert samples.request == [request, f"{request}.1"]
    back = module.INPUTS.decode(samples.captured_inputs())
    assert back["sex"].tolist() == ["male", None]
    assert np.isnan(back["bmi"][1])


async def _timeline(log: MemoryLog, n: int) -> list[Any]:
    """What intake makes of the door, once so much lies there."""
    import anyio

    with anyio.fail_after(30):
        while len(list(log.all(TELEMETRY))) < n:
            await anyio.sleep(0.05)
    loop = MemoryLoop(log, [TelemetryIntake()])
    loop.settle()
    return [decode_event(record, time=0, emitter="", is_door=False).data for record in log.all(TIMELINE)]


async def test_a_retrain_of_its_recipe_serves(http: httpx2.AsyncClient, module: ModuleType, tmp_path: Path) -> None:
    """Trained in a process of its own on what was captured, then deployed over the app's own port."""
    frame, y = module.patients()
    (tmp_path / "out").mkdir()
    np.savez(tmp_path / "data.npz", x=module.INPUTS.encode(frame), y=y)
    job = Job((JobArm("refit_200", {"rows": 200}, None),), str(tmp_path / "data.npz"), None, str(tmp_path / "out"), 7)
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    done = subprocess.run(
        [sys.executable, EXAMPLE / "recipe.py", tmp_path / "job.json"], capture_output=True, check=True
    )
    line = msgspec.json.decode(done.stdout.splitlines()[0], type=Line)
    assert line.error == ""
    store = open_store(HostSettings(data_dir=tmp_path).store_url)
    assert isinstance(store, FolderStore)
    digest = store.put((tmp_path / "out" / line.path).read_bytes())

    body = {"source": "/governor", "sequence": "1.0", "champion": "v2", "artifacts": {"v2": digest}}
    url, shown = f"/homeostat/models/{module.MODEL}/deployment", {"authorization": "Bearer secret"}
    assert (await http.put(url, json=body, headers=shown)).status_code == 200
    answered = await http.post("/forecast", json=[{"age": 50, "sex": "male", "bmi": 26.1}])

    assert answered.headers["homeostat-version"] == "v2"
    assert 25 <= answered.json()[0] <= 346  # of the patients that it has seen
