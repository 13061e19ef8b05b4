"""`homeostat evaluate`: learning claims, with seeds, intervals and baselines."""

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from homeostat_tools.cli.options import writable

if TYPE_CHECKING:  # numpy is not loaded for --help
    from collections.abc import Callable, Iterator, Mapping

    from homeostat_lab.evaluation.catalogue import Task
    from homeostat_lab.evaluation.rows import Result, Say

_DEMO: Final = "demo"
_ALL: Final = "all"
_FILE_WIDTH: Final = 160
_ALL_PAGE: Final = Path("evaluation.html")


def evaluate(
    task: Annotated[
        str,
        typer.Argument(
            help="demo, thresholds, drift, drift-many, warm-start, algorithm-choice, retrain-benefit, train-time, "
            "few-shot, sinusoid, or all of the latter"
        ),
    ] = _DEMO,
    data: Annotated[
        Path | None, typer.Option(help="folder of the data sets, one folder each", exists=True, file_okay=False)
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="repetitions; each task has its own default")] = None,
    first: Annotated[
        int, typer.Option(min=0, help="first seed of demo; its settings were chosen on seeds 100 to 103")
    ] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=writable, help="also write the rows to a file, as one JSON list")
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", help=f"also write a page with plots; for all: {_ALL_PAGE} unless told"),
    ] = None,
) -> None:
    """Measure what is claimed, our folds and hands beside the baselines, and print values with 95 % intervals.

    demo plays whole worlds in memory; the other tasks run on public data sets (--data) through the services' own
    folds: events in, decisions out. drift-many and sinusoid make their own data. A task that fails is named and loses
    no other: what was measured is written and printed, and the exit status is 1.
    """
    from homeostat_tools.cli.extras import require

    require("homeostat evaluate", ("evaluation",))
    console = Console(stderr=True)
    began = time.monotonic()
    page = html_file or (_ALL_PAGE if task == _ALL else None)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)  # what cannot be written is said before hours of work
    results: dict[str, Result] = {}
    failed: list[str] = []
    with console.status("starting") as status:
        parts = [(_DEMO, partial(_demo, first, seeds))] if task == _DEMO else _on_data(task, data, seeds)
        for name, part in parts:
            status.update(name)
            try:
                results[name] = part(_prefixed(status.update, name))
            except Exception as error:  # the other tasks stand for themselves
                failed.append(name)
                results[name] = _failure(name, error)
            if json_file is not None:  # after each task: a long run that is broken off has told something
                rows = [row.as_dict() for result in results.values() for row in result.rows]
                json_file.write_text(json.dumps(rows, indent=1) + "\n")
    if page is not None:
        from homeostat_lab.evaluation import report

        report.write(page, results)
    # In a file or a pipe there is room; on a screen long names are folded.
    out = Console()
    (out if out.is_terminal else Console(width=max(out.width, _FILE_WIDTH))).print(_table(results))
    for name, result in results.items():
        for note in result.notes:
            console.print(f"[yellow]{escape(f'{name}: {note}')}[/yellow]", highlight=False)
    console.print(f"{time.monotonic() - began:.0f} s" + (f"; page: {page}" if page else ""))
    if failed:
        raise typer.Exit(1)


def _demo(first: int, seeds: int | None, say: "Say") -> "Result":
    from homeostat_lab.demo import evaluation, initial_weights
    from homeostat_lab.evaluation.rows import Result

    worlds = range(first, first + (seeds or 5))
    played = evaluation.evaluate(worlds, say=say)
    return Result(played.rows + initial_weights.evaluate(worlds, say=say), notes=played.notes)


def _on_data(name: str, data: Path | None, seeds: int | None) -> "list[tuple[str, Callable[[Say], Result]]]":
    """Return the tasks that can be run, by name.

    Of `all`, those without their data set are left out; a task that was asked for by name must have it.
    """
    from homeostat_lab.evaluation.catalogue import TASKS, task_of

    try:
        tasks = TASKS if name == _ALL else (task_of(name),)
    except KeyError as unknown:
        raise typer.BadParameter(unknown.args[0], param_hint="TASK") from None
    if data is None and (needy := [task.name for task in tasks if task.data]):
        raise typer.BadParameter(f"{', '.join(needy)}: say where the data sets are", param_hint="--data")
    return list(_found(tasks, data or Path(), seeds, is_needed=name != _ALL))


def _found(
    tasks: "tuple[Task, ...]", data: Path, seeds: int | None, *, is_needed: bool
) -> "Iterator[tuple[str, Callable[[Say], Result]]]":
    from homeostat_lab.evaluation.rows import Job

    for task in tasks:
        try:
            if task.data:
                Job(data, 1, lambda _: None).folder(task.data)
        except FileNotFoundError as missing:
            if is_needed:
                raise typer.BadParameter(str(missing), param_hint="--data") from None
            yield task.name, partial(_left_out, str(missing))
        else:
            yield task.name, partial(_run, task, data, seeds)


def _run(task: "Task", data: Path, seeds: int | None, say: "Say") -> "Result":
    from homeostat_lab.evaluation.rows import Job

    return task.run(Job(data, seeds or task.seeds, say))


def _left_out(why: str, say: "Say") -> "Result":
    from homeostat_lab.evaluation.rows import Result

    return Result([], notes=[f"left out: {why}"])


def _failure(name: str, error: Exception) -> "Result":
    from homeostat_lab.evaluation.rows import OURS, Result, missing_row
    from homeostat_tools.cli.failures import explain

    return Result([missing_row(name, "failed", "", OURS)], notes=[f"failed: {explain(error)[1]}"])


def _prefixed(say: "Say", name: str) -> "Say":
    return lambda text: say(escape(f"{name}: {text}"))


def _table(results: "Mapping[str, Result]") -> Table:
    from homeostat_lab.evaluation.report import interval, number
    from homeostat_lab.evaluation.rows import OURS

    table = Table(title="evaluation")
    for head in ("task", "metric", "setting", "method", "value", "95 % interval", "n"):
        is_number = head in ("value", "95 % interval", "n")
        is_whole = is_number or head == "task"
        table.add_column(head, justify="right" if is_number else "left", no_wrap=is_whole, overflow="fold")
    for result in results.values():
        for row in result.rows:
            cells = (row.task, row.metric, row.setting, row.method, number(row.value), interval(row), row.units)
            table.add_row(*map(escape, cells), style="bold" if row.method == OURS else None)
        table.add_section()
    return table
