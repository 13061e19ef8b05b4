"""`homeostat adapt`: what another tool says, as events; printed, or published."""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_optional

if TYPE_CHECKING:
    from homeostat.adapters import AdaptedEvent, Target

_SOURCE: Final = "/homeostat/adapt/"


def adapt(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The adapter; without a name, all are listed.")] = "",
    file: Annotated[Path, typer.Argument(metavar="[FILE|-]", help="The payload; - reads it from stdin.")] = Path("-"),
    subject: Annotated[
        str,
        typer.Option(
            "--subject", "-s", callback=check_optional, help="Whom it is about: scope/model, of runs scope/family."
        ),
    ] = "",
    publish: Annotated[bool, typer.Option("--publish", help="Publish the events; otherwise print them.")] = False,
    version: Annotated[str, typer.Option(help="Version that answered, where the payload names none.")] = "",
    family: Annotated[str, typer.Option(help="Family of models that a registry announces.")] = "",
    classes: Annotated[str, typer.Option(help="Names of the classes by index, with commas: no,yes.")] = "",
    metric: Annotated[str, typer.Option(help="Metric that runs are judged by.")] = "",
    layer: Annotated[str, typer.Option(help="Layer of the signals, instead of what their names say.")] = "",
    inputs: Annotated[bool, typer.Option("--inputs", help="Keep inputs of requests as model inputs too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Read a payload of another tool as events: what would be published, or --publish it.

    The same payload gives the same ids: to publish it twice adds nothing.

    Examples: [bold]homeostat adapt[/bold], [bold]homeostat adapt kserve log.jsonl -s shop/ranker[/bold],
    [bold]curl … | homeostat adapt prometheus -s shop/ranker --publish[/bold]
    """
    from homeostat.adapters import Target, adapter, adapters
    from homeostat.events.base import Layer
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.output import hint, rows

    if not name:
        found = [(one.name, one.reads, one.gives) for one in adapters().values()]
        rows(("name", "reads", "gives"), found, is_json=is_json)
        return
    function = adapter(name).load()
    if not subject:
        raise usage("say whom the payload is about: --subject scope/model, of training runs scope/family")
    if layer and layer not in get_args(Layer):
        raise usage(f"no layer {layer!r}; there are {', '.join(get_args(Layer))}")
    target = Target(
        subject=subject,
        received=int(time.time() * 1000),
        version=version,
        family=family,
        classes=tuple(filter(None, classes.split(","))),
        metric=metric,
        layer=layer or None,  # type: ignore[arg-type]  # checked above
        has_inputs=inputs,
    )
    events = [*_read(function, file, target)]
    if publish:
        _publish(ctx, data_dir, name, events)
        hint(f"{len(events)} published; what a door refuses is in `homeostat quarantine list`")
        return
    _show(events, is_json=is_json)
    hint(f"{len(events)} events; --publish sends them")


def _read(function: "Callable[[bytes, Target], Iterable[AdaptedEvent]]", file: Path, target: "Target") -> Any:
    from homeostat_tools.cli.exit_codes import not_found

    if str(file) == "-":
        return function(sys.stdin.buffer.read(), target)
    try:
        return function(file.read_bytes(), target)
    except FileNotFoundError:
        raise not_found(f"no file {file}") from None


def _show(events: "list[AdaptedEvent]", *, is_json: bool) -> None:
    """Print events: as a table, or as `homeostat publish` takes them, with their ids and times."""
    from homeostat.codec.encode import rfc3339
    from homeostat.events import short
    from homeostat_tools.cli.one_line import summary
    from homeostat_tools.cli.output import as_json, table
    from homeostat_tools.cli.rendering import payload

    if not is_json:
        lines = [(rfc3339(event.time), short(event.data.TYPE), event.subject, summary(event.data)) for event in events]
        table(("time", "type", "subject", ""), lines)
        return
    for event in events:
        as_json(
            {
                "id": event.id,
                "type": short(event.data.TYPE),
                "subject": event.subject,
                "time": rfc3339(event.time),
                "data": payload(event.data),
            }
        )


def _publish(ctx: typer.Context, data_dir: Path, name: str, events: "list[AdaptedEvent]") -> None:
    from homeostat.client.checking import Checker
    from homeostat.client.doors import door_of
    from homeostat.client.event_builder import EventBuilder
    from homeostat.codec import encode_payload
    from homeostat_tools.cli.connection import session

    builder, checker = EventBuilder(_SOURCE + name), Checker(_SOURCE + name)
    with session(ctx, data_dir) as opened:
        for event in events:
            door, (value, content_type) = door_of(event.data.TYPE), encode_payload(event.data)
            output = builder.build_value(
                door,
                event.subject,
                event.data.TYPE,
                value,
                opened.logs.n_partitions(door),
                content_type=content_type,
                id_=event.id,
            )
            checker.check(output)
            opened.logs.send(output)
        opened.logs.flush()
