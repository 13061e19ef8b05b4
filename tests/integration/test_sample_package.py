"""A package that is installed runs in `homeostat up`, and every command knows what it adds."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.test_up import WAIT_SECONDS, Up, running
from tests.support.sample import install

from homeostat.client import Client
from homeostat.events import Band, ModelRegistered, ThresholdRequested

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


def read(up: Up, *which: str, n: int = 1) -> list[Any]:
    """Events of a log, as soon as there are so many."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(found := up("tail", *which, "--json").stdout.splitlines()) < n:
        assert time.monotonic() < deadline, up("quarantine", "list").stdout
        time.sleep(0.5)
    return [json.loads(line) for line in found]


def test_its_processes_run_beside_ours(up: Up) -> None:
    """A fold and a hand, each by itself; the hand has its key, which is registered."""
    shown = up("status").stdout

    assert "served-rows" in shown
    assert "band-notes" in shown
    assert "hand:band_notes@*" in up("roles", "show", "--json").stdout
    assert (up.folder / ".homeostat" / "keys" / "band_notes.pem").exists()


def test_what_it_emits_can_be_read(up: Up) -> None:
    """Rows in at the door; the indicator of the installed fold out."""
    with Client(source="/test", bootstrap_servers=up("address").stdout.strip()) as client:
        client.publish(None, SUBJECT, ModelRegistered(family="rankers", champion="v1"))
        client.publish_samples(SUBJECT, "v1", prediction=[1] * 25)

    said = read(up, "indicators", "-s", SUBJECT)
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


def test_its_hand_is_believed_where_the_law_names_it(up: Up) -> None:
    """There it ends the action, and ours does not act; in another scope ours ends it, and its report is refused."""
    up("roles", "grant", "band_notes", "hand:band_notes/alert-threshold@named")
    operator = up.folder / ".homeostat" / "keys" / "operator.pem"
    with Client(source="/test", bootstrap_servers=up("address").stdout.strip(), key=operator) as client:
        for scope in ("named", "other"):
            client.publish(None, f"{scope}/ranker", ModelRegistered(family="rankers", champion="v1"))
            wanted = ThresholdRequested(
                family=f"{scope}/rankers",
                model=f"{scope}/ranker",
                champion="v1",
                chosen="manual",
                band=Band(signal="load", rate=0.01, low=0.1, high=0.9, eta=0.1),
            )
            client.request(wanted, scope)

    believed = {
        (one["subject"], one["data"]["provenance"]["source"])
        for one in read(up, "timeline", "-t", "action.applied", n=2)
    }
    refused = {(one["subject"], one["data"]["reason"]) for one in read(up, "quarantine", "-t", "event.refused")}

    assert believed == {
        ("named/ranker", "/homeostat/hand/band_notes"),
        ("other/ranker", "/homeostat/hand/threshold_actuator"),
    }
    assert refused == {("other", "role_missing")}
