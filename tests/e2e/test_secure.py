"""The whole loop on a broker with users and ACLs: every service does its work with its rights, and no more."""

from pathlib import Path

import pytest
from tests.support.memory_scenario import EVENTFUL
from typer.testing import CliRunner

from homeostat.events import EventRefused, OutcomeMeasured, WeightsPublished, WeightsRejected
from homeostat.events.logs import EXPERIENCE, QUARANTINE
from homeostat_lab.demo.memory_loop import folds
from homeostat_lab.demo.play import payloads, play
from homeostat_lab.demo.proof import prove
from homeostat_lab.demo.system import running
from homeostat_lab.demo.world import World
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.local import LocalStack

pytestmark = pytest.mark.kafka
STATIONS, ROUNDS = 6, 120
"""Of the world `EVENTFUL`, in which nothing happens before event 40."""


def test_cameras_are_looked_after_under_acls(tmp_path: Path) -> None:
    """Initial weights learned, drift noticed, models trained, canaried and promoted, outcomes measured.

    Nothing was forbidden to anybody, no process has ended, no report was refused; every output is derived again;
    commands of people go through, and the audit log holds.
    """
    stack = LocalStack(tmp_path / "data", partitions=3, is_secure=True)
    try:
        with running(stack) as system:
            play(World(EVENTFUL, STATIONS, ROUNDS), system, lambda _: None)

            weights = payloads(system, EXPERIENCE, WeightsPublished.TYPE) + payloads(
                system, EXPERIENCE, WeightsRejected.TYPE
            )
            outcomes = {outcome["state"] for outcome in payloads(system, EXPERIENCE, OutcomeMeasured.TYPE)}
            refused = payloads(system, QUARANTINE, EventRefused.TYPE)
            status = {(process.state, process.restarts) for process in stack.status()}
            replayed = prove(system, folds())
            commands = (["audit", "verify"], ["roles", "show"], ["freeze", "plant", "--force", "--wait"])
            data_dir = ["--data-dir", str(stack.data_dir)]
            codes = [CliRunner().invoke(app, [*command, *data_dir]).exit_code for command in commands]
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")

    told = "".join(path.read_text() for path in (stack.data_dir / "logs").iterdir())
    assert status == {("running", 0)}
    assert "uthoriz" not in told
    assert weights
    assert codes == [0] * len(commands)
    assert "promoted" in outcomes
    assert refused == []
    assert (replayed.differences, replayed.n_equal > 1000) == ((), True)
