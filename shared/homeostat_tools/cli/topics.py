"""`homeostat topics`: what logs there are, and what lies in them."""

from typing import Annotated

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

app = typer.Typer(invoke_without_command=True, help="List the logs, or the event types; create the topics.")


@app.callback()
def topics(
    ctx: typer.Context,
    types: Annotated[bool, typer.Option("--types", help="List the event types and the logs they lie in.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """List the logs with their keys, partitions and numbers of records."""
    if ctx.invoked_subcommand is not None:
        return
    if types:
        _types(is_json=is_json)
        return
    from homeostat.events.logs import LOGS, SNAPSHOTS
    from homeostat.runtime.declared_topics import created_topics
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import hint, rows

    with session(ctx, data_dir) as opened:
        present = opened.logs.topics()
        ranges = opened.logs.ranges(list(present))
    counts = dict.fromkeys(present, 0)
    for (topic, _), (low, high) in ranges.items():
        counts[topic] += high - low
    logs = (*LOGS, *created_topics())
    table = [
        (log.name, log.kind, log.subject, present.get(log.name), counts.get(log.name), log.purpose) for log in logs
    ]
    table += [
        (name, "snapshots", "kind|writer|place|subject", n, counts[name], f"state of {name.removeprefix(SNAPSHOTS)}")
        for name, n in present.items()
        if name.startswith(SNAPSHOTS)
    ]
    rows(("log", "kind", "key", "partitions", "records", "purpose"), table, is_json=is_json)
    if missing := [log.name for log in logs if log.name not in present]:
        hint(f"{len(missing)} missing: create them with `homeostat topics create`")


def _types(*, is_json: bool) -> None:
    from homeostat.events import MODELS
    from homeostat.events.routes import TOPICS_OF
    from homeostat_tools.cli.output import rows

    def purpose(type_: str) -> str:
        return (MODELS[type_].__doc__ or "").strip().splitlines()[0]

    rows(
        ("type", "logs", "meaning"),
        [(type_, " ".join(TOPICS_OF[type_]), purpose(type_)) for type_ in sorted(MODELS)],
        is_json=is_json,
    )


@app.command()
def repair(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Give every log the settings it needs: time stamps, retention, sizes. Numbers of partitions are never changed."""
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.output import show
    from homeostat_tools.local_stack.services import topics as specs_of
    from homeostat_tools.local_stack.topics import repair_topics

    settings = settings_of(data_dir)
    changed = repair_topics(settings.client(), specs_of(1, settings.quarantine_retention_days))
    for line in changed:
        show(line)
    show(f"{len(changed)} settings changed" if changed else "every topic is as it must be")


@app.command()
def create(
    partitions: Annotated[
        int, typer.Option(min=1, max=1000, help="Of logs without a number of their own; never changed.")
    ] = 12,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Create every log that is missing, with the snapshot logs of the folds."""
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.output import show
    from homeostat_tools.local_stack.services import topics as specs_of
    from homeostat_tools.local_stack.topics import ensure_topics

    settings = settings_of(data_dir)
    specs = specs_of(partitions, settings.quarantine_retention_days)
    ensure_topics(settings.client(), specs)
    show(f"{len(specs)} topics are there")
