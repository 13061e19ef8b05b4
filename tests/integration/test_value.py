"""`homeostat report value` and `homeostat backtest` on a real broker: what lies in its topics is read and valued."""

import json
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.integration.test_up import WAIT_SECONDS, Up, running

from homeostat.client import Client
from homeostat.events import ModelRegistered

pytestmark = pytest.mark.kafka
LEFT_OUT = [part for name in ("detector", "trainer", "auditor") for part in ("--without", name)]
MODEL, N, BATCH = "value-it/m", 400, 50


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack with a model that has answered 400 labelled rows."""
    with running(tmp_path_factory.mktemp("up"), *LEFT_OUT) as started:
        generator = np.random.default_rng(0)
        with Client(source="/test", bootstrap_servers=started("address").stdout.strip()) as client:
            client.publish(None, MODEL, ModelRegistered(family="f", champion="v1"))
            for _ in range(N // BATCH):
                x = generator.standard_normal(BATCH)
                truth = (x > 0).astype(float)
                said = np.where(generator.random(BATCH) < 0.1, 1 - truth, truth)
                client.publish_samples(MODEL, "v1", prediction=said, features={"x": x}, label=truth)
                client.flush()
        yield started


def test_the_report_reads_the_timeline(up: Up) -> None:
    """All rows are there, and the page is written."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        done = up(
            "report", "value", "--json", "--recipe", "linear", "--window", "100", "--out", str(up.folder / "value.html")
        )
        models = json.loads(done.stdout)["models"] if done.returncode == 0 else []
        if models and models[0]["rows"] == N:
            break
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.5)

    assert models[0]["policies"][0]["policy"] == "never"
    assert (up.folder / "value.html").read_text("utf-8").startswith("<!doctype html>")


def test_the_installed_version_decides_as_it_did(up: Up) -> None:
    """Whatever lies in governance: the law of the stack itself, at least."""
    done = up("backtest", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == []
