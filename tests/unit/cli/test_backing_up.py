"""`homeostat backup|restore`: everything as it was, or nothing at all."""

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.system import System
from typer.testing import CliRunner

from homeostat.client.memory import MemoryLogs
from homeostat.codec import Output, Record
from homeostat.events.logs import LOGS
from homeostat.runtime.memory import MemoryLog
from homeostat_tools.cli.app import app
from homeostat_tools.local_stack.data_lock import DataLock


class MemoryRestorer:
    """Writes into a log in memory, with the times that records had."""

    def __init__(self, log: MemoryLog) -> None:
        self.log, self.damages = log, ""

    def create(self, partitions: Mapping[str, int]) -> None:
        assert all(self.log.n_partitions(name) == n for name, n in partitions.items())

    def write(self, topic: str, records: Iterable[Record]) -> None:
        for record in records:
            self.log.now = record.timestamp
            value = b"another" if topic == self.damages else record.value
            headers = [(name, v or b"") for name, v in record.headers]
            self.log.append(Output(topic, record.partition, record.key, value, headers))  # type: ignore[arg-type]  # as it is

    def read(self, topic: str, partitions: int) -> Iterable[Record]:
        return self.log.all(topic)

    def finish(self, topics: Iterable[str]) -> None:
        """Nothing to set."""


class EmptyLogs(MemoryLogs):
    """A cluster without records."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(partitions=2))
        self.restorer = MemoryRestorer(self.log)


@pytest.fixture
def saved(governed: System, tmp_path: Path) -> Path:
    """A backup."""
    governed.propose()
    (governed.folder / "artifacts" / "ab").mkdir(parents=True)
    (governed.folder / "artifacts" / "ab" / "abc").write_bytes(b"weights")
    governed("backup", str(tmp_path / "saved"))
    return tmp_path / "saved"


def restore(saved: Path, logs: MemoryLogs, data_dir: Path) -> Any:
    """Run the command."""
    return CliRunner().invoke(app, ["restore", str(saved), "--data-dir", str(data_dir)], obj=logs)


def contents(log: MemoryLog) -> list[tuple[Any, ...]]:
    """What is compared: everything but offsets."""
    records = (record for each in LOGS for record in log.all(each.name))
    return [(r.topic, r.partition, r.timestamp, r.key, r.value, list(r.headers)) for r in records]


def test_what_is_restored_is_what_was_there(governed: System, saved: Path, tmp_path: Path) -> None:
    """Records with their times, keys with their modes, artifacts."""
    logs = EmptyLogs()

    result = restore(saved, logs, tmp_path / "new")

    assert result.exit_code == 0, (result.stderr, result.exception)
    assert contents(logs.log) == contents(governed.log)
    (key,) = (path for path in (tmp_path / "new" / "keys").glob("operator*") if path.suffix != ".pub")
    assert key.read_bytes() == (governed.folder / "keys" / key.name).read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "artifacts" / "ab" / "abc").read_bytes() == b"weights"
    assert saved.stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_over(governed: System, saved: Path, tmp_path: Path) -> None:
    """Neither records, nor keys, nor another backup."""
    over_records = restore(saved, governed.logs, tmp_path / "new")
    over_keys = restore(saved, EmptyLogs(), governed.folder)
    governed("backup", str(saved), code=2)

    assert (over_records.exit_code, "the cluster has records" in over_records.stderr) == (4, True)
    assert (over_keys.exit_code, "keys is not empty" in over_keys.stderr) == (4, True)


def test_what_was_changed_is_found_before_and_after(saved: Path, tmp_path: Path) -> None:
    """A file of the backup, or what a broker made of it; a folder without a manifest is none."""
    damaged = EmptyLogs()
    damaged.restorer.damages = "homeostat.governance"
    after = restore(saved, damaged, tmp_path / "after")
    with gzip.open(saved / "topics" / "homeostat.governance.jsonl.gz", "at") as file:
        file.write("\n")
    logs = EmptyLogs()
    before = restore(saved, logs, tmp_path / "before")

    assert (after.exit_code, "homeostat.governance does not hold" in after.stderr) == (6, True)
    assert before.exit_code in (2, 6)
    assert contents(logs.log) == []
    assert restore(tmp_path, EmptyLogs(), tmp_path / "none").exit_code == 3


def test_a_stack_that_stands_still_is_copied_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, governed: System
) -> None:
    """Its broker's files too; one that runs is refused."""
    stack, saved = tmp_path / "stack", tmp_path / "copy"
    for name in ("kafka/segment.log", "keys/operator.pem", "logs/governor.log"):
        (stack / name).parent.mkdir(parents=True, exist_ok=True)
        (stack / name).write_text(name)
    lock = DataLock(stack)
    lock.acquire()
    governed("backup", str(saved), "--data-dir", str(stack), code=1)
    lock.release()

    governed("backup", str(saved), "--data-dir", str(stack))
    done = restore(saved, governed.logs, tmp_path / "new")
    (saved / "data" / "kafka" / "segment.log").write_text("another")
    damaged = restore(saved, governed.logs, tmp_path / "newer")

    assert (done.exit_code, damaged.exit_code) == (0, 6)
    found = sorted(path.relative_to(tmp_path / "new").as_posix() for path in (tmp_path / "new").rglob("*.*"))
    assert found == ["kafka/segment.log", "keys/operator.pem"]
