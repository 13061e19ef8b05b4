"""`homeostat evaluate`: learning claims, with seeds, intervals and baselines."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def evaluate(
    task: Annotated[str, typer.Argument(help="demo")] = "demo",
    seeds: Annotated[int, typer.Option(min=1, help="how many")] = 5,
    first: Annotated[int, typer.Option(help="first seed; the settings were chosen on seeds 100 and 101")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="also write the rows to a file")] = None,
) -> None:
    """Play several seeds of the demo in memory beside the other policies, and print means with 95 % intervals."""
    from homeostat.demo import evaluation, initial_weights

    if task != "demo":
        raise typer.BadParameter(f"no task {task!r}; there is: demo")
    console = Console(stderr=True)
    chosen = range(first, first + seeds)
    with console.status("starting") as status:
        rows = evaluation.evaluate(chosen, say=status.update)
        rows += initial_weights.evaluate(chosen, say=status.update)
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    table = Table()
    for name in ("task", "metric", "setting", "method", "value", "95 % interval", "n"):
        table.add_column(name, justify="right" if name in ("value", "n") else "left")
    for row in rows:
        interval = f"{row.low:.4g} … {row.high:.4g}" if row.n > 1 else ""
        table.add_row(row.task, row.metric, row.setting, row.method, f"{row.value:.4g}", interval, str(row.n))
    Console().print(table)
