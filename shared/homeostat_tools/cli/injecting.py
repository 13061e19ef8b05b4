"""`homeostat inject-drift`: publish a model's stream again, with a drift in it, under another name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_model, check_name, check_optional, finite

_FOLLOW_SECONDS: Final = 0.5


def inject_drift(
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="SCOPE/MODEL",
            callback=check_model,
            autocompletion=completion.models,
            help="Whose stream, as on the timeline.",
        ),
    ],
    kind: Annotated[
        str, typer.Argument(help="mean-shift, scale, class-prior, label-swap, feature-outage.", metavar="KIND")
    ],
    target: Annotated[
        str, typer.Option("--as", callback=check_optional, help="Model to publish as; MODEL-injected by default.")
    ] = "",
    family: Annotated[
        str, typer.Option(callback=check_name, help="Family of that model: another one, so that nothing mixes.")
    ] = "synthetic",
    feature: Annotated[str, typer.Option(help="Feature that moves.")] = "",
    size: Annotated[
        float, typer.Option(callback=finite, help="Deviations, factor, or share of the rows left out.")
    ] = 1.0,
    label: Annotated[float, typer.Option(callback=finite, help="Class.")] = 0.0,
    other: Annotated[float, typer.Option(callback=finite, help="Class it is exchanged with.")] = 1.0,
    course: Annotated[str, typer.Option(help="abrupt, gradual or recurring.")] = "abrupt",
    onset: Annotated[int, typer.Option(min=1, help="Row of the stream from which it holds.")] = 1000,
    width: Annotated[int, typer.Option(min=1, help="Rows, for gradual and recurring.")] = 500,
    seed: Annotated[int, typer.Option(help="Of what is left to chance.")] = 0,
    export: Annotated[Path | None, typer.Option(help="Read this export instead of the timeline.")] = None,
    since: Annotated[str, typer.Option(help="10m, 2h, beginning, or an ISO time.")] = "beginning",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes in, until Ctrl-C.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Put a drift into a model's stream and publish it as another model, marked as synthetic.

    Its registration, rows and labels go through the door like everybody's. What is detected in them says
    `is_synthetic`, and it belongs to another family: nothing learns from it unless asked.

    Examples: [bold]homeostat inject-drift team/model mean-shift --feature price --size 0.5[/bold],
    [bold]homeostat inject-drift team/model label-swap --label 3 --other 5 --export day.jsonl.gz[/bold]
    """
    from homeostat.client.doors import door_of
    from homeostat.client.event_builder import EventBuilder
    from homeostat.events import Labels, ModelRegistered, Samples
    from homeostat_tools.cli.connection import SOURCE, session
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.output import as_json, hint
    from homeostat_tools.drift_injection import Injection, Injector

    try:
        fields: dict[str, Any] = {"kind": kind, "course": course, "feature": feature, "label": label, "other": other}
        injector = Injector(Injection(onset=onset, width=width, size=size, seed=seed, **checked(fields)))
    except ValueError as error:
        raise usage(str(error)) from None
    name, builder, n_sent = target or f"{model}-injected", EventBuilder(SOURCE), 0
    if name == model:
        raise usage("a stream cannot be published as the model it comes from")
    with session(ctx, data_dir) as opened:
        for data in _payloads(opened, model, export, since, is_followed=follow):
            if isinstance(data, ModelRegistered):
                changed: object = data.model_copy(update={"family": family, "model": None, "provenance": None})
            elif isinstance(data, Samples):
                changed = _injected(injector, data)
            else:
                changed = injector.labels(data)
            if not isinstance(changed, ModelRegistered | Samples | Labels):
                continue
            log = door_of(changed.TYPE)
            opened.logs.send(builder.build(log, name, changed, opened.logs.n_partitions(log)))
            n_sent += 1
        opened.logs.flush()
    if is_json:
        as_json({"model": name, "family": family, "events": n_sent})
    hint(f"{n_sent} events published as {name}; see: homeostat tail experience -s {name.split('/', 1)[0]}/{family}")


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an injection if its kind and course are some.

    Raises:
        ValueError: One is not.
    """
    from typing import get_args

    from homeostat_tools.drift_injection import Course, Kind

    for name, words in (("kind", get_args(Kind)), ("course", get_args(Course))):
        if fields[name] not in words:
            raise ValueError(f"no {name} {fields[name]!r}; there are: {', '.join(words)}")
    return fields


def _injected(injector: Any, samples: Any) -> Any:
    from homeostat_tools.cli.exit_codes import usage

    try:
        return injector.samples(samples)
    except ValueError as error:
        raise usage(str(error)) from None


def _payloads(opened: Any, model: str, export: Path | None, since: str, *, is_followed: bool) -> Iterator[Any]:
    """Yield what lies on the timeline of a model, then what comes in."""
    from homeostat.events import Labels, ModelRegistered, Samples
    from homeostat.events.logs import TIMELINE
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.exports import read_export
    from homeostat_tools.cli.rendering import attributes, event_of
    from homeostat_tools.cli.times import since_ms

    wanted = (ModelRegistered, Samples, Labels)

    def chosen(records: Any) -> Iterator[Any]:
        for record in records:
            if record.topic == TIMELINE and attributes(record).subject == model:
                data = event_of(record).data
                if isinstance(data, wanted):
                    yield data

    if export is not None:
        if not export.exists():
            raise not_found(f"no file {export}; `homeostat export` writes one")
        yield from chosen(read_export(export))
        return
    ends = {place: high for place, (_, high) in opened.logs.ranges([TIMELINE]).items()}
    recorded = opened.logs.read([TIMELINE], since=since_ms(since))
    yield from chosen(record for record in recorded if record.offset < ends[record.topic, record.partition])
    if not is_followed:
        return
    follower = opened.logs.follow(ends)
    try:
        while True:
            yield from chosen(follower.poll(_FOLLOW_SECONDS))
    except KeyboardInterrupt:
        return
    finally:
        follower.close()
