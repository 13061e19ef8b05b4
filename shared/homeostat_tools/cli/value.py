"""`homeostat report value`: what retraining would have gained and cost in a history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from homeostat_tools.cli.group import Group
from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, check_optional, finite, writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeostat.events import Data
    from homeostat_tools.value.decisions import Decision
    from homeostat_tools.value.rows import ModelRows
    from homeostat_tools.value.summary import ValueReport

_TRAINING_SECONDS: Final = 60.0
_WINDOW: Final = 1000

app: Final = typer.Typer(cls=Group, help="Reports over a whole history, as pages.", no_args_is_help=True)


@app.callback()
def _report() -> None:
    """Reports over a whole history, as pages."""


@app.command()
def value(
    ctx: typer.Context,
    since: Annotated[str, typer.Option("--from", help="10m, 2h, beginning, or an ISO time.")] = "",
    until: Annotated[str, typer.Option("--to", help="10m, 2h, or an ISO time.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option("--import", exists=True, file_okay=False, help="Folder of tables and history.toml; no Kafka."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", callback=writable, help="Page to write.")] = Path("value.html"),
    model: Annotated[str, typer.Option("--model", callback=check_optional, help="scope/model; all without it.")] = "",
    rules: Annotated[
        Path | None,
        typer.Option("--rules", exists=True, dir_okay=False, help="homeostat.toml; otherwise what is in force."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="Stand-in for your training recipe: forest or linear.")] = "forest",
    window: Annotated[int, typer.Option(min=50, max=1_000_000, help="Labelled rows of a training.")] = _WINDOW,
    schedule: Annotated[
        str,
        typer.Option(help="Period of the scheduled policy, as 7d; otherwise a week, or a 20th of it all."),
    ] = "",
    training_seconds: Annotated[
        float, typer.Option(min=0.0, callback=finite, help="That one retrain of yours takes; priced as the rules do.")
    ] = _TRAINING_SECONDS,
    hourly_value: Annotated[
        float, typer.Option(min=0.0, callback=finite, help="Worth of one point of error for an hour.")
    ] = 0.0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say what each action would have gained and cost in a history, beside never, scheduled and on-alarm retraining.

    Reads the logs of a live system, or with --import a folder of tables, in memory. Writes one page that needs nothing
    from the network; --json prints all of it. Where it cannot tell, it says so, and why; losses stand first.
    """
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.extras import require
    from homeostat_tools.cli.output import as_json, hint, show
    from homeostat_tools.value.page import headlines, page

    require("homeostat report value", ("value",))
    report = _asked(
        ctx, folder, data_dir, (since, until), model, rules, recipe, window, schedule, training_seconds, hourly_value
    )
    if not report.models:
        raise not_found("no model answered anything in this time: widen --from and --to, or look at `homeostat topics`")
    out.write_text(page(report), "utf-8")
    if is_json:
        as_json(report.as_json())
    else:
        for found in report.models:
            show(f"[bold]{found.model}[/bold]")
            for judgement, text in headlines(found):
                show(f"  [{_COLOURS[judgement]}]{_plain(text)}[/]")
            hint(f"{len(found.unknowns)} things cannot be told; the page says which and why")
    hint(f"page: {out}")


_COLOURS: Final = {"gain": "green", "loss": "bold red", "unknown": "yellow"}


def _plain(html: str) -> str:
    import html as entities
    import re

    from homeostat_tools.cli.output import plain

    return plain(entities.unescape(re.sub(r"</?b>", "", html)))


def _asked(
    ctx: typer.Context,
    folder: Path | None,
    data_dir: Path,
    times: tuple[str, str],
    model: str,
    rules: Path | None,
    recipe: str,
    window: int,
    schedule: str,
    training_seconds: float,
    hourly_value: float,
) -> "ValueReport":
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.policy_file import read_law
    from homeostat_tools.cli.progress_bar import ProgressBar
    from homeostat_tools.cli.times import duration_ms, since_ms
    from homeostat_tools.value.playing import Training
    from homeostat_tools.value.prices import prices_of
    from homeostat_tools.value.recipe import DESCRIPTIONS
    from homeostat_tools.value.reporting import value_report
    from homeostat_tools.value.valuing import Question

    if recipe not in DESCRIPTIONS:
        raise usage(f"no recipe {recipe!r}; there are {', '.join(DESCRIPTIONS)}")
    since, until = (since_ms(text) if text else None for text in times)
    law: Sequence[Data] = read_law(rules) if rules is not None else []
    recorded: list[Decision] | None = None
    if folder is not None:
        rows, source = _imported(folder, model, since, until), f"Imported from {folder}."
    else:
        rows, recorded, in_law = _live(ctx, data_dir, model, since, until)
        law, source = law or in_law, "Read from the logs of a live system."
    question = Question(
        Training(recipe=next(name for name in DESCRIPTIONS if name == recipe), window=window),
        duration_ms(schedule) / 1000.0 if schedule else 0.0,
        law,
        lambda name: prices_of(law, name, training_seconds, hourly_value),
    )
    with ProgressBar() as bar:
        return value_report(rows, question, source, bar.show, recorded=recorded, command=_command(ctx))


def _imported(folder: Path, model: str, since: int | None, until: int | None) -> "dict[str, ModelRows]":
    from homeostat_tools.history import read_mapping
    from homeostat_tools.value.collecting import of_folder, rows_of_events

    mapping = folder / "history.toml"
    kind = read_mapping(mapping).kind if mapping.is_file() else "classifier"
    return rows_of_events(of_folder(folder, models=[model] if model else (), since=since, until=until), kind)


def _live(
    ctx: typer.Context, data_dir: Path, model: str, since: int | None, until: int | None
) -> "tuple[dict[str, ModelRows], list[Decision], list[Data]]":
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.progress_bar import ProgressBar
    from homeostat_tools.value.collecting import of_logs, rows_of_events
    from homeostat_tools.value.decisions import decisions_of

    with session(ctx, data_dir) as opened, ProgressBar() as bar:
        logs, total = opened.logs, sum(high - low for low, high in opened.logs.ranges(["homeostat.timeline"]).values())
        observed = of_logs(
            logs,
            models=[model] if model else (),
            since=since,
            until=until,
            progress=lambda n: bar.show("reading the timeline", n, total),
        )
        rows = rows_of_events(observed)
        law = in_force(logs)
        return rows, decisions_of(logs, since=since, until=until), [*law.rules.values(), *law.budgets.values()]


def _command(ctx: typer.Context) -> str:
    import sys

    return " ".join(["homeostat", *sys.argv[1:]]) if ctx.obj is None else "homeostat report value"
