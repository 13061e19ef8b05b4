"""A package that is installed runs in `homeostat up`, and every command knows what it adds."""

import json
import os
import sys
import time
from collections.abc import Iterator

import pytest
from tests.integration.test_up import WAIT_SECONDS, Up, running
from tests.support.sample import install

from homeostat.client import Client
from homeostat.events import ModelRegistered

pytestmark = pytest.mark.kafka
LEFT_OUT = [part for name in ("detector", "deciders", "trainer", "auditor") for part in ("--without", name)]
"""Not needed here, and there are few cores."""

SUBJECT = "acme/ranker"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack with the sample package in the path, whose target takes the rollouts."""
    installed = install(tmp_path_factory.mktemp("installed"))
    path = os.pathsep.join([str(installed), *sys.path])
    target = {"HOMEOSTAT_ROLLOUT_ACTUATOR_TARGET": "deployment_notes"}
    with running(tmp_path_factory.mktemp("up"), *LEFT_OUT, PYTHONPATH=path, **target) as started:
        yield started


def test_its_processes_run_beside_ours(up: Up) -> None:
    """A fold and a hand, each by itself; the hand has its key, which is registered."""
    shown = up("status").stdout

    assert "served-rows" in shown
    assert "band-notes" in shown
    assert "band_notes" in up("tail", "governance", "-t", "key.registered", "--json").stdout
    assert (up.folder / ".homeostat" / "keys" / "band_notes.pem").exists()


def test_what_it_emits_can_be_read(up: Up) -> None:
    """Rows in at the door; the indicator of the installed fold out."""
    with Client(source="/test", bootstrap_servers=up("address").stdout.strip()) as client:
        client.publish(None, SUBJECT, ModelRegistered(family="rankers", champion="v1"))
        client.publish_samples(SUBJECT, "v1", prediction=[1] * 25)

    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := up("tail", "indicators", "-s", SUBJECT, "--json").stdout.splitlines()):
        assert time.monotonic() < deadline, up("quarantine", "list").stdout
        time.sleep(0.5)
    said = [json.loads(line) for line in found]
    assert {(one["data"]["name"], one["data"]["value"]) for one in said} >= {("served_rows", 25.0)}


def test_its_outputs_can_be_derived_again(up: Up) -> None:
    """From its topic, as those of ours."""
    replayed = up("replay", "served_rows", "--json")

    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout.splitlines()[0])["outcome"] == "equal"


def test_its_topics_are_looked_after(up: Up) -> None:
    """A doctor looks at its snapshots; while it runs its states are not deleted, and its group is named."""
    checked, refused = up("doctor"), up("folds", "rebuild", "served_rows")

    assert "snapshots.served_rows" not in checked.stdout + checked.stderr  # nothing is wrong with them
    assert refused.returncode != 0
    assert "served-rows" in refused.stderr
    assert "homeostat.snapshots.served_rows" in up("acl", "served-rows").stdout
