"""A snapshot of another tree, which holds what this one has no place for: the fold halts, and nothing is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from tests.support.two_stage import PARTITIONS, wait_until
from typer.testing import CliRunner

from homeostat.audit.keys import create
from homeostat.codec.envelope import envelope
from homeostat.core.identity import emit_id
from homeostat.events import ModelRegistered, RulesSet
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka import KafkaHost
from homeostat.runtime.kafka_outbox import KafkaOutbox
from homeostat.runtime.process import EXIT_HALTED
from homeostat.runtime.reading import read_partition
from homeostat.runtime.settings import HostSettings
from homeostat.services.governor.fold import Governor
from homeostat.services.governor.state import State
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.topics import ensure_topics

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 120.0
SCOPE = "outdated"
ARGV = (sys.executable, "-m", "homeostat.runtime.process", "governor")


@dataclass(slots=True)
class OtherState(State):
    """What a governor of another tree keeps beside what ours does."""

    n_heard: int = 1


class OtherGovernor(Governor):
    """The governor of that tree."""

    def initial(self, subject: str) -> State:
        return OtherState()

    def state_type(self) -> type[State]:
        return OtherState


class Court:
    """Governance and what families hear, on a broker; `welcomed` names the families that were."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.settings = HostSettings(bootstrap_servers=servers, data_dir=folder)
        self.cluster = Cluster(self.settings)
        self.cluster.load()
        self.n = 0

    def register(self, family: str) -> None:
        """Let a family become known."""
        self.n += 1
        data = ModelRegistered(family=family, champion="v1", model=f"{SCOPE}/{family}")
        outbox = KafkaOutbox(self.settings, "made-up")
        outbox.send(envelope(GOVERNANCE, SCOPE, data, id_=emit_id(self.n), source="/homeostat/test/outdated", time=0))
        outbox.flush()

    def welcomed(self) -> list[str]:
        """Families that heard their rules, each time they did under another identity."""
        found, topic_id = dict[tuple[bytes, bytes], str](), self.cluster.topic_id(EXPERIENCE)
        for partition in range(self.cluster.n_partitions(EXPERIENCE)):
            for record in read_partition(self.settings, EXPERIENCE, partition, topic_id):
                headers, key = dict(record.headers), (record.key or b"").decode()
                if headers["ce_type"] == RulesSet.TYPE.encode() and key.startswith(SCOPE):
                    found[headers["ce_source"] or b"", headers["ce_id"] or b""] = key.removeprefix(f"{SCOPE}/")
        return sorted(found.values())

    @contextmanager
    def other_tree(self) -> Iterator[None]:
        """Its governor runs; afterwards it has stopped in order."""
        host = KafkaHost("governor", [OtherGovernor()], self.settings, self.cluster)
        thread = Thread(target=host.run)
        thread.start()
        try:
            yield
        finally:
            host.stop()
            thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

    def await_welcome(self, *families: str) -> None:
        """Wait until these have heard their rules, and no other, and none twice."""
        wait_until(lambda: len(self.welcomed()) >= len(families), PATIENCE_SECONDS)
        assert self.welcomed() == sorted(families)


@pytest.fixture
def court(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Court:
    """A broker with all topics, and the settings of processes in the environment."""
    ensure_topics(kafka, topics(PARTITIONS))
    monkeypatch.setenv("HOMEOSTAT_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    create(tmp_path / "keys", "notary")
    return Court(kafka, tmp_path)


def test_a_snapshot_of_another_tree_halts_the_fold_and_both_ways_lead_on(court: Court) -> None:
    """One line names what has no place here and both ways; what was said stays, what comes is heard, nothing twice."""
    with court.other_tree():
        court.register("first")
        court.await_welcome("first")
    court.register("second")

    halted = subprocess.run(ARGV, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)

    (line,) = [line for line in (halted.stdout + halted.stderr).splitlines() if "halted" in line]
    assert (halted.returncode, "Traceback" in halted.stderr) == (EXIT_HALTED, False)
    for said in ("no place for n_heard", "Go back to that one", "homeostat folds rebuild governor"):
        assert said in line
    assert court.welcomed() == ["first"], "it has answered what it could not know the whole of"

    with court.other_tree():  # one way: its state is as it was, and it goes on from there
        court.await_welcome("first", "second")

    rebuilt = CliRunner().invoke(app, ["folds", "rebuild", "governor"])
    assert rebuilt.exit_code == 0, rebuilt.output
    with subprocess.Popen(ARGV, env=os.environ | {"HOMEOSTAT_METRICS_PORT": "0"}) as process:
        court.register("third")
        try:
            court.await_welcome("first", "second", "third")
        finally:
            process.terminate()
            assert process.wait(timeout=PATIENCE_SECONDS) == 0
