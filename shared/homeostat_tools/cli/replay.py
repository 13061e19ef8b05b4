"""`homeostat replay|export`: derive every decision again, and take the logs away."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, writable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def replay(
    ctx: typer.Context,
    fold: Annotated[str, typer.Argument(autocompletion=completion.folds, help="Name of a fold, or all.")] = "all",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Fold the recorded input again and compare what comes out with the logs, byte for byte.

    Exits 0 if it is equal, 6 if it differs, 7 if nothing can be derived any more (the input has expired, and no
    snapshot stands in for it), 8 if what differs was made by another version. Of several folds the worst counts.
    """
    from functools import partial

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from homeostat.runtime import registry
    from homeostat.runtime.sealing import seals_of
    from homeostat_tools.cli.connection import session, settings_of
    from homeostat_tools.cli.exit_codes import Exit
    from homeostat_tools.cli.folds import fold_of
    from homeostat_tools.cli.output import hint, hints, rows
    from homeostat_tools.cli.rederivation import Rederived, rederive

    salt = settings_of(data_dir).salt
    folds = {name: fold_of(name, salt) for name in (registry.folds() if fold == "all" else [fold])}
    results: list[Rederived] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with session(ctx, data_dir) as opened, Progress(*columns, console=hints(), transient=True) as progress:
        seals = seals_of(opened.settings)
        for name, instance in folds.items():
            task = progress.add_task(name)
            results.append(rederive(name, instance, opened.logs, seals, partial(_advance, progress, task)))
    names = ("fold", "outcome", "inputs", "outputs", "equal", "different", "expired", "from_the_start")
    table = [
        (
            r.fold,
            r.outcome,
            r.n_inputs,
            r.n_outputs,
            r.n_equal,
            len(r.differences),
            r.n_expired,
            not (r.started_at or r.n_expired),
        )
        for r in results
    ]
    rows(names, table, is_json=is_json)
    for result in results:
        if result.differences:
            hint(f"{result.fold}: first difference at {result.differences[0].place}")
        if result.started_at:
            began = ", ".join(f"{place} {offset}" for place, offset in result.started_at.items())
            hint(f"{result.fold}: its oldest input has expired; it was begun from snapshots: {began}")
        if result.n_expired:
            hint(f"{result.fold}: {result.n_expired} outputs rest on input that has expired, and cannot be derived")
    n_outputs, n_equal = sum(r.n_outputs for r in results), sum(r.n_equal for r in results)
    hint(f"{n_equal} of {n_outputs} outputs are equal, byte for byte")
    codes = {"differs": Exit.UNVERIFIED, "other version": Exit.OTHER_VERSION, "expired": Exit.EXPIRED}
    outcomes = {result.outcome for result in results}
    for outcome, code in codes.items():  # the worst first
        if outcome in outcomes:
            raise typer.Exit(code)


def _advance(progress: "Progress", task: "TaskID", done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)


def export(
    ctx: typer.Context,
    log: Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=completion.logs, help="Log to take.")],
    file: Annotated[Path, typer.Argument(callback=writable, help="Where to: NAME.jsonl.gz.")],
    since: Annotated[str, typer.Option(help="10m, 2h, beginning, or an ISO time.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write every record of a log into a file: verbatim, one JSON object a line, compressed."""
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exports import write_export
    from homeostat_tools.cli.output import hint
    from homeostat_tools.cli.rendering import topics_of
    from homeostat_tools.cli.times import since_ms

    topic = topics_of([log], ())[0]
    with session(ctx, data_dir) as opened:
        n = write_export(file, opened.logs.read([topic], since=since_ms(since) if since else None))
    hint(f"{n} records in {file}")
