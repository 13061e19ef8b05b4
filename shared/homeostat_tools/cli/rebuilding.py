"""`homeostat folds`: the key that the states of folds are sealed with, and a fold that begins anew."""

from pathlib import Path
from typing import Annotated

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir

app = typer.Typer(help="Begin a fold anew; make the key that states are sealed with.", no_args_is_help=True)


@app.command()
def rebuild(
    ctx: typer.Context,
    fold: Annotated[str, typer.Argument(help="As `homeostat replay` names it, for example drift_detector.")],
    is_partial: Annotated[
        bool, typer.Option("--partial", help="Though a part of its input has expired: what it knew of that is lost.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Delete the stored states of a fold whose service is stopped; it folds its input again when it is started.

    For states that are damaged, forged or of another version. What it says again has the identities that it had, and
    readers drop it. Behind input that has expired the states differ from those before, so that has to be asked for.
    """
    from homeostat.events.logs import SNAPSHOTS, snapshot_log
    from homeostat.runtime.declared_topics import topic_of
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit
    from homeostat_tools.cli.folds import entry_of
    from homeostat_tools.cli.output import show
    from homeostat_tools.local_stack.rebuilding import check_stopped, delete_states
    from homeostat_tools.local_stack.topics import TopicSpec

    entry = entry_of(fold)
    log, group = topic_of(entry.topic), entry.group
    with session(ctx, data_dir) as opened:
        client = opened.settings.client()
        ranges = opened.logs.ranges([log.name])
    check_stopped(client, group)
    n_gone, n_there = sum(low for low, _ in ranges.values()), sum(high - low for low, high in ranges.values())
    if n_gone and not is_partial:
        raise CommandFailed(
            Exit.DENIED,
            f"{n_gone} records of {log.name} have expired, and {n_there} are there: {fold} would lose what it knew of "
            "the first. Restore the snapshot topic from a backup; or say --partial",
        )
    if not dry_run:
        spec = snapshot_log(fold, log)
        delete_states(client, group, TopicSpec(SNAPSHOTS + fold, len(ranges), spec.config()))
    done = "would be" if dry_run else "are"
    show(f"the states of {fold} {done} deleted: started again it folds {n_there} records of {log.name}")


@app.command()
def key(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="For HOMEOSTAT_SNAPSHOTS_KEY, on every host of folds.")],
) -> None:
    """Make the key that the states of folds are sealed with (mode 0600), unless the file is there."""
    from homeostat.runtime.sealing import load_keys, make_key
    from homeostat_tools.cli.output import show

    make_key(path)
    load_keys(path, is_required=True)
    show(f"{path} holds the key of the snapshots")
