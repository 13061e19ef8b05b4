"""`homeostat backup|restore`: everything as files, and back into a cluster that is empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, OwnDataDir


def backup(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="New folder, mode 0700: private keys lie in it.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write everything into a folder, with digests.

    Of a stack of homeostat up that stands still: its data folder, with its broker's files, exactly as they are. Of a
    cluster of your own (HOMEOSTAT_BOOTSTRAP_SERVERS): every topic, and keys, artifacts and settings of this machine;
    stop the services first, so that it is of one moment. Artifacts in an object store stay there. The manifest is
    written last: a folder without one is no backup.
    """
    import os

    from homeostat_tools.backup.taking import BROKER, take, take_stack
    from homeostat_tools.cli.connection import session, settings_of
    from homeostat_tools.cli.output import hint, say
    from homeostat_tools.local_stack.data_lock import DataLock

    if (data_dir / BROKER).is_dir() and not os.environ.get("HOMEOSTAT_BOOTSTRAP_SERVERS"):
        lock = DataLock(data_dir)
        lock.acquire()
        try:
            with _progress() as show:
                made = take_stack(data_dir, folder, show)
        finally:
            lock.release()
        say(f"{len(made.files)} files of the stack in {data_dir}")
        return
    with session(ctx, data_dir) as opened, _progress() as show:
        made = take(opened.logs, opened.settings.data_dir, folder, show)
    say(f"{sum(topic.records for topic in made.topics)} records of {len(made.topics)} topics, {len(made.files)} files")
    url = settings_of(data_dir).store_url
    if "://" in url and not url.startswith("file:"):
        hint(f"artifacts lie in {url} and are not in it")


def restore(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="What `homeostat backup` has written.")],
    data_dir: OwnDataDir = DEFAULT_DATA_DIR,
) -> None:
    """Put a backup where nothing is yet, and compare all of it afterwards; exits 6 if anything differs.

    Of a stack: into a data folder without keys and broker; homeostat up goes on there. Of topics: into a cluster
    without records. They keep bytes, order, partitions and times, but offsets and the identities of topics are new, and
    the times are no broker's own: it is an archive for people and other tools. Folds that have states halt there and
    say so (TopicReplaced); nothing is decided twice, and nothing goes on.
    """
    from homeostat_tools.backup.manifest import read_manifest
    from homeostat_tools.backup.taking import check, check_put_back, put_back
    from homeostat_tools.cli.output import hint, say

    manifest = read_manifest(folder)
    _check_without_keys(data_dir)
    if manifest.topics:
        _restore_topics(ctx, folder, manifest, data_dir)
    else:
        with _progress() as show:
            check(folder, manifest, show)
    put_back(folder, manifest, data_dir)
    check_put_back(manifest, data_dir)
    say(f"{sum(topic.records for topic in manifest.topics)} records and {len(manifest.files)} files are as they were")
    if not manifest.topics:
        hint(f"next: homeostat up --data-dir {data_dir}")


def _restore_topics(ctx: typer.Context, folder: Path, manifest: Any, data_dir: Path) -> None:
    from homeostat_tools.backup.manifest import digests_of
    from homeostat_tools.backup.taking import check
    from homeostat_tools.cli.connection import session, settings_of
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit
    from homeostat_tools.cli.exports import read_export

    restorer = _restorer(ctx, settings_of(data_dir))
    with session(ctx, data_dir) as opened, _progress() as show:
        _check_without_records(opened.logs)
        check(folder, manifest, show)
        restorer.create({topic.name: topic.partitions for topic in manifest.topics})
        for topic in manifest.topics:
            show(topic.name)
            restorer.write(topic.name, read_export(folder / topic.file))
    with _progress() as show:
        for topic in manifest.topics:
            show(topic.name)
            if digests_of(restorer.read(topic.name, topic.partitions), topic.partitions)[0] != topic.digests:
                raise CommandFailed(Exit.UNVERIFIED, f"{topic.name} does not hold what the backup does: delete it all")
    restorer.finish([topic.name for topic in manifest.topics])


def _check_without_records(logs: Any) -> None:
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit

    filled = sorted({topic for (topic, _), (_, high) in logs.ranges(list(logs.topics())).items() if high})
    if filled:
        some = ", ".join(filled[:3]) + (", …" if len(filled) > len(filled[:3]) else "")
        raise CommandFailed(Exit.DENIED, f"the cluster has records ({some}): a backup goes into an empty one only")


def _check_without_keys(data_dir: Path) -> None:
    from homeostat_tools.backup.taking import BROKER
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit

    for name in ("keys", BROKER):
        if (data_dir / name).is_dir() and any((data_dir / name).iterdir()):
            raise CommandFailed(Exit.DENIED, f"{data_dir / name} is not empty: name another folder, --data-dir")


def _restorer(ctx: typer.Context, settings: Any) -> Any:
    if (given := getattr(ctx.obj, "restorer", None)) is not None:
        return given
    from homeostat_tools.local_stack.restoring import TopicRestorer
    from homeostat_tools.local_stack.services import topics

    return TopicRestorer(settings.client(), {spec.name: spec for spec in topics(1, settings.quarantine_retention_days)})


@contextmanager
def _progress() -> Iterator[Any]:
    """Show the name of what is worked on, on a terminal."""
    from homeostat_tools.cli.output import hints

    with hints().status("") as status:
        yield lambda text: status.update(text)
