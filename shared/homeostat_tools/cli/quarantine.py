"""`homeostat quarantine`: what was refused, why, and how to put it back."""

from typing import Annotated

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

app = typer.Typer(no_args_is_help=True, help="Look at refused input, and put it back once its cause is gone.")
Why = Annotated[str, typer.Option("--why", "-r", help="Only this reason code, for example label_unmatched.")]
Model = Annotated[
    str,
    typer.Option(
        "--model", autocompletion=completion.subjects, help="Only this key: scope/model, scope/family or scope."
    ),
]
Since = Annotated[str, typer.Option(help="10m, 2h, beginning, or an ISO time.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    why: Why = "",
    model: Model = "",
    since: Since = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Newest to show.")] = 50,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """List refused events, newest last; ID is what `show` and `replay` take."""
    from collections import Counter

    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import hint, rows
    from homeostat_tools.cli.refusals import not_kept, refusals
    from homeostat_tools.cli.times import iso, since_ms

    moment = since_ms(since) if since else None
    with session(ctx, data_dir) as opened:
        found = refusals(opened.logs, why=why, model=model, since=moment)
    table = []
    for one in found[-limit:]:
        place = f"{one.data.log}[{one.data.partition}] {one.data.offset}"
        replayed = None if one.replayed_at is None else iso(one.replayed_at)
        time, attempts = iso(one.record.timestamp), one.data.attempts
        left_out = one.data.n_left_out or 0
        table.append((one.id, time, one.data.reason, one.key, place, attempts, replayed, left_out, one.data.detail))
    rows(("id", "time", "reason", "key", "from", "attempts", "replayed", "left_out", "detail"), table, is_json=is_json)
    counts = Counter(one.data.reason for one in found)
    n_replayed = sum(one.replayed_at is not None for one in found)
    hint(
        ", ".join(f"{reason} {n}" for reason, n in counts.most_common())
        + (f"; {n_replayed} of them replayed" if n_replayed else "")
        if found
        else "nothing was refused"
    )
    if text := not_kept(found):
        hint(text)


@app.command()
def show(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `list` prints it.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show one refused event: its headers, its value, and why it was refused."""
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.output import as_json, hint, plain, say, show
    from homeostat_tools.cli.refusals import not_whole, refusals
    from homeostat_tools.cli.requeue import original
    from homeostat_tools.cli.times import iso

    with session(ctx, data_dir) as opened:
        found = [one for one in refusals(opened.logs) if one.id == id_]
    if not found:
        raise not_found(f"nothing was refused with the id {id_}; see `homeostat quarantine list`")
    data, replayed_at = found[-1].data, found[-1].replayed_at
    replayed = None if replayed_at is None else iso(replayed_at)
    output = original(data, lambda _: 1)
    headers = {name: value.decode(errors="replace") for name, value in output.headers}
    value = (output.value or b"").decode(errors="backslashreplace")
    if is_json:
        as_json(
            data.model_dump(mode="json")
            | {"headers": headers, "value": value, "key": output.key.decode(errors="replace")}
            | {"replayed": replayed}
        )
        return
    show(f"[red]{plain(data.reason)}[/red]")
    if replayed:
        show(f"[yellow]replayed[/yellow] {replayed}")
    say(f"{data.detail}\nrefused by {data.service} at {data.log}[{data.partition}] offset {data.offset}")
    lines = [f"key: {output.key.decode(errors='replace')}", *(f"{name}: {text}" for name, text in headers.items())]
    say("\n".join([*lines, value]))
    for name, digest in (data.redacted or {}).items():
        say(f"redacted {name}: {digest}")
    if text := not_whole(found[-1:]):
        hint(text)


@app.command()
def replay(
    ctx: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `list` prints them.")] = None,
    why: Why = "",
    model: Model = "",
    since: Since = "",
    everything: Annotated[bool, typer.Option("--all", help="All that the filters let pass, without ids.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Those too that were published again before.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Publish refused events again, verbatim, to the door they came from, marked with one more attempt.

    Each once: what was published again is marked in quarantine, and left alone without --force. Only what came through
    a door goes back; what a fold said inside is repaired by fixing the fold. What held personal data does not go back:
    only digests of that are kept.
    """
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import not_found, usage
    from homeostat_tools.cli.output import hint, rows
    from homeostat_tools.cli.refusals import Refusal, not_kept, not_whole, put_back, refusals
    from homeostat_tools.cli.times import since_ms

    if not ids and not (everything or why or model):
        raise usage("name ids, --why, --model, or --all")
    moment = since_ms(since) if since else None
    with session(ctx, data_dir) as opened:
        found = refusals(opened.logs, why=why, model=model, since=moment)
        if unknown := sorted(set(ids or ()) - {one.id for one in found}):
            raise not_found(f"nothing was refused with the id {', '.join(unknown)}; see `homeostat quarantine list`")
        by_record: dict[tuple[str, str], Refusal] = {}
        for one in found:
            if not ids or one.id in ids:  # of a record that was refused in parts, the first stands for all
                by_record.setdefault((one.data.log, one.identity.rpartition(".")[0]), one)
        outside = [one for one in by_record.values() if one.is_from_door]
        whole = [one for one in outside if not one.is_redacted]
        chosen = [one for one in whole if force or one.replayed_at is None]
        if not dry_run:
            put_back(opened.logs, chosen)
    table = [(one.id, one.data.reason, one.data.log, one.key, one.data.attempts + 1) for one in chosen]
    rows(("id", "reason", "log", "key", "attempt"), table, is_json=is_json)
    n_before, n_inside = len(whole) - len(chosen), len(by_record) - len(outside)
    hint(
        f"{len(chosen)} {'would be' if dry_run else 'were'} published again"
        + (f", {n_before} not, as they were before (--force does it once more)" if n_before else "")
        + (f", {n_inside} of inner logs not" if n_inside else "")
    )
    for text in filter(None, (not_kept(chosen), not_whole(outside))):
        hint(text)
