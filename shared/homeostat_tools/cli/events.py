"""`homeostat publish|tail`: feed the doors and look at the logs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

_LIMIT: Final = 20
_FOLLOW_SECONDS: Final = 0.5
_SHORT_SUBJECT: Final = 22


def publish(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TYPE|FILE|-", autocompletion=completion.types, help="Event type, or JSON lines in a file or stdin."
        ),
    ],
    subject: Annotated[
        str | None, typer.Argument(autocompletion=completion.subjects, help="scope/model, scope/family or scope.")
    ] = None,
    data: Annotated[str | None, typer.Argument(help="The payload as JSON; - reads it from stdin.")] = None,
    log: Annotated[str, typer.Option(help="Log to write to, instead of the door of the type.")] = "",
    key: Annotated[str, typer.Option("--key", help="Sign with this key of <data dir>/keys.")] = "",
    unchecked: Annotated[bool, typer.Option(help="Send what no schema allows; the door will refuse it.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Publish one event, or JSON lines of `{"type", "subject", "data"}`.

    Examples: [bold]homeostat publish signal.observed team/model '{"layer":"edge","name":"t","value":3}'[/bold],
    [bold]homeostat publish events.jsonl[/bold], [bold]generate | homeostat publish -[/bold]
    """
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import as_json, hint, say
    from homeostat_tools.cli.publishing import Publisher

    events = _one(what, subject, data) if subject is not None else _lines(what)
    with session(ctx, data_dir) as opened:
        publisher = Publisher(opened, log=log, key=key, is_checked=not unchecked)
        n_sent = 0
        for number, event in enumerate(events, 1):
            identity = publisher.send(event, number)
            n_sent += 1
            if is_json:
                as_json({"identity": identity})
            elif subject is not None:
                say(identity)
        opened.logs.flush()
    hint(f"{n_sent} published; what a door refuses is in `homeostat quarantine list`")


def _one(type_: str, subject: str, data: str | None) -> Iterator[Mapping[str, Any]]:
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.publishing import parse

    if data is None:
        raise usage("the payload is missing: homeostat publish TYPE SUBJECT '{json}'")
    try:
        text = sys.stdin.read() if data == "-" else data
    except UnicodeDecodeError:
        raise usage("the payload is not UTF-8: convert it first") from None
    yield {"type": type_, "subject": subject, "data": parse(text, "the payload")}


def _lines(what: str) -> Iterator[Mapping[str, Any]]:
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.publishing import parse_lines

    if what == "-":
        yield from parse_lines(sys.stdin, "the input")
        return
    try:
        with Path(what).open(encoding="utf-8") as file:
            yield from parse_lines(file, what)
    except FileNotFoundError:
        raise not_found(
            f"no file {what}; to publish one event write: homeostat publish TYPE SUBJECT '{{json}}'"
        ) from None


def tail(
    ctx: typer.Context,
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG", autocompletion=completion.logs, help="Default: no doors, no proofs."),
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", "-t", autocompletion=completion.types, help="Short or full type; * allowed."),
    ] = None,
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            "-s",
            autocompletion=completion.subjects,
            help="A scope, a family, or a model with all that is about it; * allowed.",
        ),
    ] = "",
    story: Annotated[str, typer.Option(help="Identity of a story, or its ending.")] = "",
    since: Annotated[str, typer.Option(help="10m, 2h, beginning, or an ISO time.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Newest records to show first.")] = _LIMIT,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Show the newest events of the logs, filtered; all of a time with --since."""
    from homeostat.events.logs import AUDIT, LOGS
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.filters import Selection, newest, order
    from homeostat_tools.cli.output import as_json, hint
    from homeostat_tools.cli.rendering import readable, topics_of
    from homeostat_tools.cli.times import since_ms

    wanted = topics_of(logs or (), [log.name for log in LOGS if log.kind == "log" and log.name != AUDIT])
    chosen = Selection(tuple(types or ()), subject, story)
    with session(ctx, data_dir) as opened:
        ends = {place: high for place, (_, high) in opened.logs.ranges(wanted).items()}
        records = opened.logs.read(
            wanted, since=since_ms(since) if since else None, last=limit if chosen.is_open and not since else None
        )
        found = (
            record
            for record in records
            if chosen.takes(record) and record.offset < ends[record.topic, record.partition]
        )
        shown = 0
        for record in sorted(found, key=order) if since else newest(found, limit):
            shown += 1
            as_json(readable(record)) if is_json else _line(record)
        if not follow:
            if not shown:
                hint(_why_nothing(types or ()))
            return
        follower = opened.logs.follow(ends)
        try:
            while True:
                for record in follower.poll(_FOLLOW_SECONDS):
                    if chosen.takes(record):
                        as_json(readable(record)) if is_json else _line(record)
        except KeyboardInterrupt:
            return
        finally:
            follower.close()


def _why_nothing(types: Sequence[str]) -> str:
    from homeostat.events import MODELS
    from homeostat_tools.cli.filters import Selection

    unknown = [one for one in types if not any(map(Selection((one,)).is_of, MODELS))]
    if unknown:
        return f"no event type is {', '.join(unknown)}; `homeostat topics --types` lists them"
    return "nothing there; wider: --since beginning, other logs, or -f to wait"


def _line(record: Any) -> None:
    from homeostat.core import Reject
    from homeostat_tools.cli.one_line import colour, summary
    from homeostat_tools.cli.output import plain, show
    from homeostat_tools.cli.rendering import PREFIX, attributes, event_of, name_of
    from homeostat_tools.cli.times import clock

    try:
        text = plain(summary(event_of(record).data))
    except Reject as reject:
        text = f"[red]{plain(str(reject))}[/red]"
    name, found = name_of(record), attributes(record)
    log = record.topic.removeprefix(PREFIX)
    show(
        f"[dim]{clock(record.timestamp)} {log:<12}[/dim] [{colour(name)}]{plain(name):<20}[/] "
        f"{plain(found.subject):<{_SHORT_SUBJECT}} {text}"
    )
