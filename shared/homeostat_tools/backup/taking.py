"""Take a backup, and look whether one is whole."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from homeostat.client.address import STACK_FILE
from homeostat.client.logs import Logs
from homeostat.events.logs import SNAPSHOTS
from homeostat_tools.backup.manifest import FILE, FORMAT, Manifest, TopicBackup, digest_of_file, digests_of
from homeostat_tools.cli.exit_codes import CommandFailed, Exit, usage
from homeostat_tools.cli.exports import read_export, write_export

DATA: Final = "data"
BROKER: Final = "kafka"
"""Folder of the data of a broker of ours."""

_LEFT_OUT: Final = frozenset(("logs", "jobs", "processes.json", "up.lock"))
"""Of a data folder: what says how processes are, and what is made again."""

_SECRET: Final = ("PASSWORD", "SECRET", "TOKEN", "SALT", "KEY", "REDIS_URL")


def take(logs: Logs, data_dir: Path, folder: Path, show: Callable[[str], None]) -> Manifest:
    """Write every topic of ours, and the data folder, into a new folder; the manifest comes last.

    States of folds are read first: what is folded meanwhile is folded again after a restore, and nothing is lost.

    Args:
        logs: Where from.
        data_dir: Keys, artifacts and state of this machine.
        folder: Must not be there, or be empty.
        show: Told each topic.

    Raises:
        CommandFailed: The folder holds something.
    """
    _make(folder)
    (folder / "topics").mkdir()
    topics = []
    for name, n in sorted(logs.topics().items(), key=lambda item: (not item[0].startswith(SNAPSHOTS), item[0])):
        show(name)
        file = f"topics/{name}.jsonl.gz"
        write_export(folder / file, logs.read([name]))
        digests, records = digests_of(read_export(folder / file), n)
        topics.append(TopicBackup(name, file, n, logs.topic_id(name), records, digests))
    return _written(folder, topics, _copied(data_dir, folder, {BROKER, STACK_FILE}, show))


def take_stack(data_dir: Path, folder: Path, show: Callable[[str], None]) -> Manifest:
    """Copy the data folder of a stack that stands still, its broker's files among it: offsets and all.

    Args:
        data_dir: Of the stack; the caller holds its lock.
        folder: Must not be there, or be empty.
        show: Told each file.

    Raises:
        CommandFailed: The folder holds something.
    """
    _make(folder)
    return _written(folder, [], _copied(data_dir, folder, set(), show))


def check(folder: Path, manifest: Manifest, show: Callable[[str], None]) -> None:
    """See that all that the manifest names is there as it was written.

    Args:
        folder: Of the backup.
        manifest: What it says it holds.
        show: Told each file.

    Raises:
        CommandFailed: `UNVERIFIED`: something is not.
    """
    for topic in manifest.topics:
        show(topic.name)
        path = folder / topic.file
        if not path.is_file() or digests_of(read_export(path), topic.partitions)[0] != topic.digests:
            raise CommandFailed(Exit.UNVERIFIED, f"{path} is not what was written: take another backup")
    for below, digest in manifest.files.items():
        path = folder / DATA / below
        if ".." in Path(below).parts or not path.is_file() or digest_of_file(path) != digest:
            raise CommandFailed(Exit.UNVERIFIED, f"{path} is not what was written: take another backup")


def check_put_back(manifest: Manifest, data_dir: Path) -> None:
    """See that the files are as they were written.

    Raises:
        CommandFailed: `UNVERIFIED`: one is not.
    """
    for below, digest in manifest.files.items():
        if digest_of_file(data_dir / below) != digest:
            raise CommandFailed(Exit.UNVERIFIED, f"{data_dir / below} is not what the backup holds: delete it all")


def put_back(folder: Path, manifest: Manifest, data_dir: Path) -> None:
    """Copy the files of a backup into a data folder that has none of them.

    Args:
        folder: Of the backup.
        manifest: Its files.
        data_dir: Made if needed.
    """
    for below in manifest.files:
        (data_dir / below).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(folder / DATA / below, data_dir / below)


def _make(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise usage(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # keys lie in it


def _copied(data_dir: Path, folder: Path, without: set[str], show: Callable[[str], None]) -> dict[str, str]:
    files = {}
    for path in _kept(data_dir, folder):
        below = path.relative_to(data_dir)
        if below.parts[0] not in without:
            show(below.as_posix())
            (folder / DATA / below).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(path, folder / DATA / below)
            files[below.as_posix()] = digest_of_file(folder / DATA / below)
    return files


def _written(folder: Path, topics: list[TopicBackup], files: dict[str, str]) -> Manifest:
    manifest = Manifest(FORMAT, version("homeostat"), int(time.time()), topics, files, _settings())
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _kept(data_dir: Path, folder: Path) -> Iterator[Path]:
    for path in sorted(data_dir.rglob("*")) if data_dir.is_dir() else ():
        is_own = path.resolve().is_relative_to(folder.resolve())
        is_left_out = path.relative_to(data_dir).parts[0] in _LEFT_OUT
        if path.is_file() and not path.is_symlink() and not is_own and not is_left_out:
            yield path


def _settings() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("HOMEOSTAT_")}
    return {name: value for name, value in ours.items() if not any(word in name for word in _SECRET)}
