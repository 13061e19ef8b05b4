"""`homeostat quarantine`: what was refused, why, and how to put it back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeostat.cli.options import DEFAULT_DATA_DIR, DataDir, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeostat.client.logs import Logs
    from homeostat.codec import Record

app = typer.Typer(no_args_is_help=True, help="Look at refused input, and put it back once its cause is gone.")
Why = Annotated[str, typer.Option("--why", "-r", help="Only this reason code, for example label_unmatched.")]
Model = Annotated[str, typer.Option("--model", help="Only this key: scope/model, scope/family or scope.")]
Since = Annotated[str, typer.Option(help="10m, 2h, beginning, or an ISO time.")]


def _refused(logs: "Logs", *, why: str, model: str, since: str) -> "Iterator[tuple[Record, Any]]":
    """Yield records of the quarantine with their payloads, oldest first, each refusal once."""
    from homeostat.cli.records import event_of
    from homeostat.cli.selection import order
    from homeostat.cli.when import since_ms
    from homeostat.client.policies import Once
    from homeostat.events.logs import QUARANTINE

    once = Once()
    moment = since_ms(since) if since else None
    for record in sorted(logs.read([QUARANTINE], since=moment), key=order):
        if not once.is_new(record):
            continue
        data: Any = event_of(record).data
        if (not why or data.reason == why) and (not model or record.key == model.encode()):
            yield record, data


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
    from collections import Counter, deque

    from homeostat.cli.connection import session
    from homeostat.cli.output import hint, rows
    from homeostat.codec.encode import rfc3339

    counts: Counter[str] = Counter()
    kept: deque[tuple[object, ...]] = deque(maxlen=limit)
    with session(ctx, data_dir) as opened:
        for record, data in _refused(opened.logs, why=why, model=model, since=since):
            counts[data.reason] += 1
            key = (record.key or b"").decode(errors="replace")
            time, place = rfc3339(record.timestamp), f"{data.log}[{data.partition}] {data.offset}"
            kept.append((_id(data), time, data.reason, key, place, data.attempts, data.detail))
    rows(("id", "time", "reason", "key", "from", "attempts", "detail"), kept, is_json=is_json)
    hint(", ".join(f"{reason} {n}" for reason, n in counts.most_common()) or "nothing was refused")


@app.command()
def show(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `list` prints it.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show one refused event: its headers, its value, and why it was refused."""
    from homeostat.cli.connection import session
    from homeostat.cli.exits import not_found
    from homeostat.cli.output import as_json, show
    from homeostat.cli.replaying import original

    with session(ctx, data_dir) as opened:
        found = [data for _, data in _refused(opened.logs, why="", model="", since="") if _id(data) == id_]
    if not found:
        raise not_found(f"nothing was refused with the id {id_}; see `homeostat quarantine list`")
    data = found[-1]
    output = original(data, lambda _: 1)
    headers = {name: value.decode(errors="replace") for name, value in output.headers}
    value = (output.value or b"").decode(errors="backslashreplace")
    if is_json:
        as_json(
            data.model_dump(mode="json")
            | {"headers": headers, "value": value, "key": output.key.decode(errors="replace")}
        )
        return
    show(f"[red]{data.reason}[/red]")
    from rich.markup import escape

    show(escape(f"{data.detail}\nrefused by {data.service} at {data.log}[{data.partition}] offset {data.offset}"))
    show(
        escape(
            "\n".join(
                [f"key: {output.key.decode(errors='replace')}", *(f"{n}: {v}" for n, v in headers.items()), value]
            )
        )
    )


@app.command()
def replay(
    ctx: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="As `list` prints them.")] = None,
    why: Why = "",
    model: Model = "",
    since: Since = "",
    everything: Annotated[bool, typer.Option("--all", help="All that the filters let pass, without ids.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Publish refused events again, verbatim, to the door they came from, marked with one more attempt.

    Only what came through a door goes back; what a fold said inside is repaired by fixing the fold.
    """
    from homeostat.cli.connection import session
    from homeostat.cli.exits import not_found, usage
    from homeostat.cli.output import hint, rows
    from homeostat.cli.replaying import original
    from homeostat.events.logs import DOORS

    if not ids and not (everything or why or model):
        raise usage("name ids, --why, --model, or --all")
    done: list[tuple[object, ...]] = []
    with session(ctx, data_dir) as opened:
        n_inside, places = 0, set[tuple[str, int, int]]()
        for _, data in _refused(opened.logs, why=why, model=model, since=since):
            place = (data.log, data.partition, data.offset)
            if (ids and _id(data) not in ids) or place in places:
                continue
            places.add(place)
            if data.log not in DOORS:
                n_inside += 1
                continue
            output = original(data, opened.logs.places)
            if not dry_run:
                opened.logs.send(output)
            done.append((_id(data), data.reason, output.topic, output.key.decode(errors="replace"), data.attempts + 1))
        opened.logs.flush()
    if ids and not places:
        raise not_found(f"nothing was refused with the id {', '.join(ids)}; see `homeostat quarantine list`")
    rows(("id", "reason", "log", "key", "attempt"), done, is_json=is_json)
    hint(
        f"{len(done)} {'would be' if dry_run else 'were'} published again"
        + (f", {n_inside} of inner logs not" if n_inside else "")
    )


def _id(data: Any) -> str:
    """Short name of a refusal: log, partition, offset."""
    return f"{data.log.removeprefix('homeostat.')}-{data.partition}-{data.offset}"
