"""`homeostat import`: what happened before, published as history."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_optional, writable

if TYPE_CHECKING:
    from homeostat.adapters import AdaptedEvent
    from homeostat_tools.cli.import_report import ImportReport
    from homeostat_tools.history import OnUnreadable, TableMapping

_FORMATS: Final = ("table", "folder", "prometheus", "kserve", "mlflow", "argo-rollouts")


def import_history(
    ctx: typer.Context,
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help=", ".join(_FORMATS))],
    path: Annotated[Path, typer.Argument(help="A table (CSV, Parquet), an export in JSON, a folder.")],
    subject: Annotated[
        str,
        typer.Option(
            "--subject", "-s", callback=check_optional, help="Whose it is: scope/model; of mlflow scope/family."
        ),
    ] = "",
    mapping: Annotated[Path | None, typer.Option(help="Which column says what, as TOML.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="time=served_at: one field of it; repeat it.")] = None,
    classes: Annotated[str, typer.Option(help="Names of the classes by index, with commas: no,yes.")] = "",
    family: Annotated[str, typer.Option(help="Register the model, in this family, if nobody has.")] = "",
    kind: Annotated[str, typer.Option(help="Of such a model: classifier (unless told) or regressor.")] = "",
    version: Annotated[str, typer.Option(help="Version of rows that name none.")] = "",
    metric: Annotated[str, typer.Option(help="Metric that runs of MLflow are judged by.")] = "",
    unreadable: Annotated[
        Path | None,
        typer.Option(callback=writable, help="Where what cannot be read goes; PATH.unreadable.jsonl in this folder."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count; publish nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Publish what happened before Homeostat was there, marked as history: nothing is concluded from it.

    The drift detector takes the rows for what is normal, the advisor learns from the runs. To import again adds
    nothing, and goes on where an import was ended.

    Examples: [bold]homeostat import table rows.parquet -s shop/ranker --column time=served_at --family rankers[/bold],
    [bold]homeostat import mlflow mlruns -s shop/rankers --dry-run[/bold]
    """
    from homeostat.adapters.naming import as_name
    from homeostat_tools.cli.exit_codes import not_found, usage
    from homeostat_tools.cli.import_report import ImportReport
    from homeostat_tools.cli.output import hints

    if format_ not in _FORMATS:
        raise usage(f"no format {format_!r}; there are {', '.join(_FORMATS)}")
    if not path.exists():
        raise not_found(f"no file {path}")
    given = _mapping(mapping, column or [], subject=subject, classes=classes, family=family, kind=kind, version=version)
    wanted = unreadable or (None if dry_run else Path(f"{path.name}.unreadable.jsonl"))
    with ImportReport(wanted) as report:
        with hints().status(f"reading {path.name}"):
            events = [*_read(format_, path, given, metric, report.add_unreadable)]
        report.read(events)
        if not dry_run:
            _publish(ctx, data_dir, as_name(path.name), events, report, has_family=given.family is not None)
    report.show(is_json=is_json, is_dry=dry_run)


def _mapping(path: Path | None, columns: list[str], **given: str) -> "TableMapping":
    """Read the mapping, and let the options say what it does not, or says otherwise."""
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.history.mapping import mapping_of, tables_of

    fields: dict[str, Any] = tables_of(path) if path is not None else {}
    named = dict(fields.get("columns", {}))
    for one in columns:
        name, is_pair, value = one.partition("=")
        if not is_pair:
            raise usage(f"--column {one!r} is no FIELD=COLUMN, for example time=served_at")
        named[name] = value.split(",") if name == "features" else value
    fields["columns"] = named
    for name, text in given.items():
        if text:
            fields[name] = tuple(text.split(",")) if name == "classes" else text
    return mapping_of(fields, str(path) if path is not None else "options")


def _read(
    format_: str, path: Path, mapping: "TableMapping", metric: str, on_unreadable: "OnUnreadable"
) -> "Iterator[AdaptedEvent]":
    from homeostat.adapters import Target
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.history import read_folder, read_table
    from homeostat_tools.history.exports import read_export

    if format_ == "table":
        return read_table(path, mapping, on_unreadable)
    if format_ == "folder":
        return read_folder(path, on_unreadable)
    if mapping.subject is None:
        raise usage("say whose it is: --subject scope/model, of mlflow scope/family")
    version = mapping.version if "version" in mapping.model_fields_set else ""
    target = Target(
        subject=mapping.subject,
        received=int(time.time() * 1000),
        version=version,
        classes=mapping.classes,
        metric=metric,
    )
    return read_export(format_, path, target, on_unreadable)


def _publish(
    ctx: typer.Context,
    data_dir: Path,
    name: str,
    events: "list[AdaptedEvent]",
    report: "ImportReport",
    *,
    has_family: bool,
) -> None:
    """Publish what is not there yet, in order; Ctrl-C ends it whole, and the next run goes on."""
    from rich.progress import Progress

    from homeostat.client.doors import door_of
    from homeostat.events import Labels, ModelRegistered, Samples
    from homeostat.events.logs import TELEMETRY
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.known import unknown_among
    from homeostat_tools.cli.output import hints
    from homeostat_tools.history.marking import last_champions, marked
    from homeostat_tools.history.published import published_ids
    from homeostat_tools.history.publishing import HistoryPublisher

    with session(ctx, data_dir) as opened, Progress(console=hints(), transient=True) as progress:
        of_models = {event.subject for event in events if door_of(event.data.TYPE) == TELEMETRY}
        unknown = {subject for subject in of_models if unknown_among(opened.logs, subject) is not None}
        if unknown and not has_family:
            raise usage(f"{min(unknown)} is not registered: --family NAME registers it, or publish model.registered")
        there = published_ids(opened.logs, {event.subject for event in events})
        champions = last_champions(events)
        publisher = HistoryPublisher(opened.logs, report.add_refused)
        try:
            for event in progress.track(events, description="publishing"):
                one = marked(event, name, champions)
                if one is None:
                    report.n_left_out += 1
                elif event.id in there or (isinstance(event.data, ModelRegistered) and event.subject not in unknown):
                    report.n_known += 1
                elif publisher.send(one):
                    report.n_published += 1
                    if isinstance(event.data, Samples | Labels):
                        report.n_rows_published += event.data.n_rows
        except KeyboardInterrupt:
            report.is_ended = True
        opened.logs.flush()
