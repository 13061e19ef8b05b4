"""The auditor on a real Kafka: a lease with a stand-by, and an audit log that cannot be begun anew in silence."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from tests.support.two_stage import wait_until
from typer.testing import CliRunner

from homeostat.events.logs import AUDIT
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.ports import pick_port
from homeostat_tools.local_stack.series import read_series
from homeostat_tools.local_stack.services import topics
from homeostat_tools.local_stack.supervisor import answers_ok
from homeostat_tools.local_stack.topics import ensure_topics

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 120.0


class Proven:
    """Intake, governor and auditor on a broker of their own.

    Args:
        stack: Started.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.admin = AdminClient(
            HostSettings(bootstrap_servers=stack.bootstrap_servers, data_dir=stack.data_dir).client()
        )

    def __call__(self, *args: str) -> Any:
        """Run a command on the stack."""
        return CliRunner().invoke(app, [*args, "--data-dir", str(self.stack.data_dir)])

    def verified(self) -> tuple[int, dict[str, Any]]:
        """Exit code and report of `audit verify`."""
        result = self("audit", "verify", "--json")
        return result.exit_code, json.loads(result.stdout) if result.stdout.startswith("{") else {}

    def is_proven(self) -> bool:
        """Whether all holds, signed."""
        self.stack.tick()
        code, report = self.verified()
        return code == 0 and report["n_signed"] > 0

    def gauge(self, port: int, name: str) -> float:
        """Value of a gauge without labels; -1 while the process does not answer."""
        try:
            return next((sample.value for sample in read_series(port, (name,), 5.0)), -1.0)
        except OSError:
            return -1.0

    def pid(self, name: str) -> int:
        """Process id of a supervised process."""
        pid = next(status.pid for status in self.stack.status() if status.name == name)
        assert pid is not None
        return pid

    @contextmanager
    def stand_by(self) -> Iterator[int]:
        """Run a second auditor; give its metrics port."""
        port = pick_port((), tuple(self.stack.ports.values()))
        environment = os.environ | self.stack.environment | {"HOMEOSTAT_METRICS_PORT": str(port)}
        with (self.stack.data_dir / "logs" / "stand-by.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "homeostat.services.auditor"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield port
        finally:
            process.terminate()
            process.wait(timeout=60.0)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    """Nothing but the law and its proof."""
    without = ("trainer", "detector", "deciders", "hands")
    stack = LocalStack(tmp_path_factory.mktemp("proof"), partitions=2, without=without)
    try:
        stack.start(PATIENCE_SECONDS)
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    try:
        yield Proven(stack)
    finally:
        stack.stop()


def test_all_is_proven_and_the_checkpoint_is_kept(proven: Proven) -> None:
    """Logs, doors and snapshots; the file outside of the broker is of the audit log, and series say how it stands."""
    wait_until(proven.is_proven, PATIENCE_SECONDS)

    kept = json.loads((proven.stack.data_dir / "audit" / "checkpoint.json").read_text())
    port = proven.stack.ports["auditor"]
    assert kept["tree_size"] > 0
    assert proven.gauge(port, "homeostat_audit_lease") == 1
    assert proven.gauge(port, "homeostat_audit_tree_size") >= kept["tree_size"]
    assert proven.gauge(port, "homeostat_audit_checkpoint_age_seconds") < 60


def test_a_stand_by_takes_over_and_the_zombie_does_no_harm(proven: Proven) -> None:
    """While one has the lease the other is ready and writes nothing; what they wrote between them is one chain."""
    first = proven.stack.ports["auditor"]
    with proven.stand_by() as second:
        wait_until(lambda: proven.gauge(second, "homeostat_audit_lease") == 0, PATIENCE_SECONDS)
        wait_until(lambda: _is_ready(second), PATIENCE_SECONDS)
        leases = (proven.gauge(first, "homeostat_audit_lease"), proven.gauge(second, "homeostat_audit_lease"))
        pid = proven.pid("auditor")
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: proven.gauge(second, "homeostat_audit_lease") == 1, PATIENCE_SECONDS)
            proven("budget", "team", "10")
            wait_until(lambda: proven.gauge(second, "homeostat_audit_leaves_total") > 0, PATIENCE_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: proven.gauge(first, "homeostat_audit_lease") == 0, PATIENCE_SECONDS)
        wait_until(proven.is_proven, PATIENCE_SECONDS)

        assert leases == (1.0, 0.0)
        assert proven.pid("auditor") == pid  # it has not even ended
    wait_until(lambda: proven.gauge(first, "homeostat_audit_lease") == 1, PATIENCE_SECONDS)


def test_a_damaged_audit_log_stops_the_auditor_and_nobody_else(proven: Proven) -> None:
    """Deleted and made again: it halts until an admin has signed for that; the law goes on meanwhile."""
    law = proven.pid("law")
    proven.admin.delete_topics([AUDIT])[AUDIT].result()
    settings = HostSettings(bootstrap_servers=proven.stack.bootstrap_servers, data_dir=proven.stack.data_dir)
    wait_until(lambda: AUDIT not in proven.admin.list_topics(timeout=10.0).topics, PATIENCE_SECONDS)
    ensure_topics(settings.client(), topics(2))
    log = proven.stack.data_dir / "logs" / "auditor.log"

    def has_refused() -> bool:
        proven.stack.tick()
        return "audit begin" in log.read_text()

    wait_until(has_refused, PATIENCE_SECONDS)
    code, report = proven.verified()
    budget = proven("budget", "team", "11")
    begun = proven("audit", "begin", "--reason", "a drill")
    wait_until(proven.is_proven, PATIENCE_SECONDS)

    assert code == 6
    assert {"truncated", "vanished", "unsigned"} & {found["kind"] for found in report["findings"]}
    assert (budget.exit_code, begun.exit_code) == (0, 0), budget.output + begun.output
    assert [line.partition(":")[0] for line in proven.verified()[1]["begun"]] == ["operator"]
    assert law == proven.pid("law")


def _is_ready(port: int) -> bool:
    return answers_ok(f"http://127.0.0.1:{port}/readyz")


def test_the_files_of_a_proof_are_where_the_settings_say(tmp_path: Path) -> None:
    """A path of its own, or below the data folder."""
    assert HostSettings(data_dir=tmp_path).checkpoint_url == str(tmp_path / "audit" / "checkpoint.json")
    assert HostSettings(auditor_checkpoint="s3://b/c.json").checkpoint_url == "s3://b/c.json"
