"""What the ground may do to the system: a full disk, key files that are none, a broker that is gone."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from homeostat.audit import keys
from homeostat.audit.keys import KeyMissing, KeyUnusable, create, load, publish
from homeostat.audit.secret_file import SecretMissing, SecretUnusable, ensure_secret, read_secret
from homeostat.client.memory import MemoryLogs
from homeostat.core.backoff import Backoff
from homeostat.runtime.errors import SealKeyUnusable
from homeostat.runtime.memory import MemoryLog
from homeostat.runtime.settings import HostSettings
from homeostat.telemetry import logging as telemetry_logging
from homeostat.testing.processes import FakeProcess
from homeostat_tools.cli.checks import Context
from homeostat_tools.cli.checks import files as findings
from homeostat_tools.cli.checks.processes import processes
from homeostat_tools.cli.failures import explain
from homeostat_tools.local_stack.errors import FolderUnusable, KafkaUnavailable
from homeostat_tools.local_stack.folders import make_folder
from homeostat_tools.local_stack.local import LocalStack
from homeostat_tools.local_stack.process import NOT_STARTED, ProcessSpec
from homeostat_tools.local_stack.status_file import read_report
from homeostat_tools.local_stack.supervisor import Supervisor

FULL = OSError(errno.ENOSPC, "No space left on device")


def full(*_: object, **__: object) -> Any:
    raise FULL


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def mode(bits: int) -> Callable[[Path], None]:
    return lambda path: path.chmod(bits)


def content(raw: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(raw), None)[1]


def context(folder: Path) -> Context:
    return Context(folder, HostSettings(data_dir=folder), MemoryLogs(MemoryLog()), is_local=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys of a stack."""
    LocalStack(tmp_path).keys()
    return tmp_path


BROKEN = [
    *((f"{name}.pem", damage) for name in ("notary", "operator") for damage in (mode(0o644), mode(0o666), mode(0o620))),
    *(
        (name, damage)
        for name in ("notary.pem", "operator.pem", "rollout_actuator.pem", "model-server.token", "snapshots.key")
        for damage in (directory, loop, content(b""), content(b"\xff\x00"))
    ),
    ("notary.pem", lambda path: path.write_bytes(path.read_bytes()[:40])),
    ("notary.pem", content(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")),
    ("notary.pub", directory),
    ("operator.pub", directory),
    ("model-server.token", mode(0o644)),
    ("model-server.token", content(b"two\nlines")),
]


@pytest.mark.parametrize(("name", "damage"), BROKEN, ids=lambda value: value if isinstance(value, str) else None)
def test_a_key_file_that_is_none_is_one_line_before_anything_runs(
    folder: Path, name: str, damage: Callable[[Path], None]
) -> None:
    """`homeostat up` says which file, what is wrong and what mends it; the doctor finds the same."""
    path = folder / "keys" / name
    damage(path)
    stack = LocalStack(folder, bootstrap_servers="127.0.0.1:9")

    try:
        with pytest.raises((KeyUnusable, SecretUnusable, SealKeyUnusable)) as refused:
            stack.start()
    finally:
        stack.stop()

    code, text = explain(refused.value)
    assert code != 0
    assert str(path) in text
    assert "\n" not in text
    looked = context(folder)
    checks = (*findings.keys(looked), *findings.snapshots_key(looked), *findings.token(looked))
    found = [check for check in checks if check.verdict == "fail"]
    assert len(found) == 1
    assert str(path) in found[0].detail
    assert found[0].mend


def test_a_public_half_of_another_key_is_found_and_put_right(folder: Path) -> None:
    """Whoever checks signatures with it believes nothing: the doctor says so, and the next start writes it."""
    (folder / "keys" / "notary.pub").write_bytes((folder / "keys" / "operator.pub").read_bytes())

    (found,) = [check for check in findings.keys(context(folder)) if check.verdict == "fail"]
    publish(folder / "keys", load(folder / "keys", "notary"))

    assert "another key's" in found.detail
    assert all(check.verdict == "ok" for check in findings.keys(context(folder)))


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_key_made_on_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """An empty file in its place would be taken for a damaged key for ever; once there is room, it is made."""
    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(KeyUnusable, match="No space left"):
            create(tmp_path, "notary")
        with pytest.raises(SecretUnusable, match="No space left"):
            ensure_secret(tmp_path / "token")
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(KeyMissing):
            load(tmp_path, "notary")
        with pytest.raises(SecretMissing):
            read_secret(tmp_path / "token")

    assert load(tmp_path, create(tmp_path, "notary").name).name == "notary"
    assert ensure_secret(tmp_path / "token") == read_secret(tmp_path / "token")


def test_a_rotation_on_a_full_disk_keeps_the_old_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no draft behind."""
    before = {path.name: path.read_bytes() for path in (folder / "keys").iterdir()}
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(KeyUnusable, match="No space left"):
        keys.rotate(folder / "keys", "notary")

    assert {path.name: path.read_bytes() for path in (folder / "keys").iterdir()} == before


def test_a_folder_on_a_full_disk_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file fits on a full disk, so a block is written."""
    monkeypatch.setattr("tempfile.TemporaryFile", full)

    with pytest.raises(FolderUnusable, match=rf"{tmp_path}.*No space left"):
        make_folder(tmp_path)


class Machine:
    """Processes that start, or do not."""

    def __init__(self) -> None:
        self.now, self.is_full, self.said = 0.0, False, list[str]()
        self.started: list[str] = []

    def spawn(self, spec: ProcessSpec) -> FakeProcess:
        if self.is_full:
            raise FULL
        self.started.append(spec.name)
        return FakeProcess(1000 + len(self.started))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def supervisor(self, log_dir: Path) -> Supervisor:
        return Supervisor(
            [ProcessSpec("intake", ("intake",)), ProcessSpec("governor", ("governor",))],
            log_dir,
            spawn=self.spawn,
            probe=lambda _: True,
            clock=lambda: self.now,
            sleep=self.sleep,
            on_trouble=self.said.append,
        )


def test_a_report_that_cannot_be_written_does_not_stop_supervision(tmp_path: Path) -> None:
    """It is said once, processes are started again all the same, and the report is written when it can be."""
    machine = Machine()
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.report_path.mkdir()
    for _ in range(50):
        supervisor.tick()
        machine.now += 0.5
    supervisor.report_path.rmdir()
    machine.now += 1.0
    supervisor.tick()

    assert machine.started == ["intake", "governor"]
    assert len(machine.said) == 1
    assert "processes.json" in machine.said[0]
    assert read_report(supervisor.report_path) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["processes.json"]


def test_a_process_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    """No room for its log is as an exit: with backoff, until there is room."""
    machine = Machine()
    machine.is_full = True
    supervisor = machine.supervisor(tmp_path / "logs")
    supervisor.tick()
    assert {(s.state, s.last_exit) for s in supervisor.status()} == {("backoff", NOT_STARTED)}

    machine.is_full = False
    machine.now += 1.0
    supervisor.tick()

    assert {s.state for s in supervisor.status()} == {"running"}


class GoneBroker:
    """A broker that has ended, and starts once there is room."""

    bootstrap_servers = "127.0.0.1:9092"

    def __init__(self) -> None:
        self.is_running, self.is_full, self.n_starts = False, True, 0

    def start(self) -> None:
        self.n_starts += 1
        if self.is_full:
            raise KafkaUnavailable("The disk is full,\nand the broker has ended.", "Make room there.")
        self.is_running = True


def test_a_broker_that_cannot_start_again_does_not_end_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again and again, further and further apart, in one line each; the services wait meanwhile."""
    said, now = list[str](), [1000.0]
    monkeypatch.setattr("homeostat_tools.local_stack.local.Backoff", partial(Backoff, clock=lambda: now[0]))
    stack, broker = LocalStack(tmp_path, on_progress=said.append), GoneBroker()
    stack.broker, stack.bootstrap_servers = broker, broker.bootstrap_servers  # type: ignore[assignment]  # a fake
    stack._supervisor = Machine().supervisor(tmp_path / "logs")  # noqa: SLF001  # a start would make processes

    for _ in range(60):
        stack.tick()
        now[0] += 1.0
    n_full = broker.n_starts
    broker.is_full = False
    for _ in range(40):
        stack.tick()
        now[0] += 1.0

    assert 3 <= n_full <= 7
    assert broker.is_running
    assert said[-1] == "the broker is back"
    assert all("\n" not in line for line in said)
    assert any("The disk is full, and the broker has ended. Make room there." in line for line in said)


def test_a_report_that_is_not_written_any_more_is_found(tmp_path: Path) -> None:
    """The doctor tells a stack that runs on a full disk from one that is well."""
    supervisor = Machine().supervisor(tmp_path / "logs")
    supervisor.tick()
    assert [check.verdict for check in processes(context(tmp_path))] == ["ok"]
    os.utime(supervisor.report_path, (1.0, 1.0))

    (found, *_) = list(processes(context(tmp_path)))

    assert (found.name, found.verdict) == ("report", "fail")


def test_a_log_line_that_cannot_be_written_stops_nothing() -> None:
    """The disk of the logs is full: the line is gone, the service goes on."""

    class Full:
        write = flush = full

    lossy_stream = telemetry_logging._Lossy  # noqa: SLF001  # the only way to it is the logging of this process
    lossy = lossy_stream(Full())  # type: ignore[arg-type]  # a stream that fails

    assert lossy.write("line\n") == 5
    lossy.flush()
