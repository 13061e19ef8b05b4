"""Snapshots on a real broker: sealed, adopted, refused, and a fold that begins anew."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from tests.support.two_stage import PARTITIONS, Stages, wait_until
from typer.testing import CliRunner

from homeostat.codec import Record
from homeostat.events.logs import SNAPSHOTS, TIMELINE, by_name, snapshot_log
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.reading import read_partition
from homeostat.runtime.sealing import Seals, make_key, seals_of
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.snapshot_reader import read_stored
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.rebuilding import GroupAtWork, delete_states
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 120.0


@pytest.fixture
def stages(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stages]:
    """Two stages whose processes take their settings from the environment; no key yet."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    with Stages(kafka) as running:
        yield running


def work(stages: Stages, n: int) -> None:
    """Fold `n` more events in a process that ends cleanly."""
    process = stages.start("one")
    stages.publish(n)
    wait_until(lambda: stages.count("mid") >= stages.n_expected, PATIENCE_SECONDS)
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == 0


def follow(stages: Stages) -> None:
    """Fold what the first stage has said."""
    stages.start("two")
    stages.settle(PATIENCE_SECONDS)


def halts(stages: Stages) -> str:
    """What a process says that does not start."""
    environment = os.environ | {"HOMEOSTAT_BOOTSTRAP_SERVERS": stages.settings.bootstrap_servers}
    logs = (stages.logs["in"], stages.logs["mid"])
    argv = [sys.executable, "-m", "homeostat.testing.counter_stage", stages.names["one"], *logs]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def stored(stages: Stages) -> list[Record]:
    """All partitions of the snapshots of the first stage."""
    cluster, topic = Cluster(stages.settings), SNAPSHOTS + stages.names["one"]
    cluster.load()
    every = (read_partition(stages.settings, topic, n, cluster.topic_id(topic)) for n in range(PARTITIONS))
    return [record for records in every for record in records]


def test_states_are_adopted_once_then_nothing_without_the_key_is_read(
    stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade: no key, then one, then a forger; no event is lost or doubled on the way."""
    work(stages, 120)
    make_key(tmp_path / "keys" / "snapshots.key")
    assert "HOMEOSTAT_HOST_ADOPT_SNAPSHOTS=true" in halts(stages)

    monkeypatch.setenv("HOMEOSTAT_HOST_ADOPT_SNAPSHOTS", "true")
    work(stages, 120)
    monkeypatch.delenv("HOMEOSTAT_HOST_ADOPT_SNAPSHOTS")
    work(stages, 120)

    follow(stages)
    assert stages.exactness().is_exact
    seals, records = seals_of(HostSettings(data_dir=tmp_path)), stored(stages)
    forged = next(record for record in reversed(records) if record.value is not None)
    for partition in range(PARTITIONS):
        read_stored([record for record in records if record.partition == partition], seals)
    producer = Producer({"bootstrap.servers": stages.settings.bootstrap_servers})
    headers = Seals().headers(forged.topic, forged.partition, forged.key or b"", b"forged")
    producer.produce(forged.topic, b"forged", forged.key, partition=forged.partition, headers=dict(headers))
    producer.flush()
    said = halts(stages)
    assert "was not read" in said
    assert f"homeostat folds rebuild {stages.names['one']}" in said


def test_a_fold_begins_anew_and_says_the_same(stages: Stages) -> None:
    """Not while it runs; then its states are gone, it folds its input again, and readers see no event twice."""
    name = stages.names["one"]
    states = TopicSpec(SNAPSHOTS + name, PARTITIONS, snapshot_log(name, by_name(TIMELINE)).config())
    process = stages.start("one")
    stages.publish(120)
    wait_until(lambda: stages.count("mid") >= stages.n_expected, PATIENCE_SECONDS)
    with pytest.raises(GroupAtWork, match="homeostat down"):
        delete_states(stages.settings.client(), name, states)
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    before = stages.count("mid")

    delete_states(stages.settings.client(), name, states)

    assert stored(stages) == []
    work(stages, 60)
    follow(stages)
    assert stages.count("mid") > before + 120  # all of it again
    assert stages.exactness().is_exact


def test_the_command_deletes_the_states_of_a_fold(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a fold that there is, after saying what it would do."""
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", kafka)
    ensure_topics(kafka, topics(PARTITIONS))

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["folds", "rebuild", *arguments, "--data-dir", str(tmp_path)])
        return done.exit_code, " ".join(done.output.split())

    wait_until(lambda: run("outcome_evaluator", "--dry-run", "--partial")[0] == 0, PATIENCE_SECONDS)  # topics are new
    assert "would be deleted" in run("outcome_evaluator", "--dry-run", "--partial")[1]
    code, said = run("outcome_evaluator", "--partial")
    assert (code, said.startswith("the states of outcome_evaluator are deleted")) == (0, True)
    assert run("nonsense")[0] != 0
