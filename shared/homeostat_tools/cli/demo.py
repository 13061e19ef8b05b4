"""`homeostat demo`: the main job on real data."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from homeostat_tools.cli.extras import SERVICE_EXTRAS


def demo(
    seed: Annotated[int, typer.Option(min=0, help="of the world")] = 0,
    stations: Annotated[int, typer.Option(min=3, max=1000, help="cameras")] = 24,
    events: Annotated[int, typer.Option(min=100, max=100_000, help="per camera")] = 400,
    memory: Annotated[bool, typer.Option("--memory", help="the same folds and hands without Kafka")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="report, one JSON document; default DATA_DIR/report.json")
    ] = None,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="of this run; emptied first")] = Path(".homeostat/demo"),
    stay: Annotated[bool, typer.Option("--stay/--no-stay", help="stay up at the end, on a terminal")] = True,
) -> None:
    """Run 24 digit-reading cameras that bump, dim and break, and let Homeostat look after them.

    Exits 0 only if every claim holds and every decision was derived again, byte for byte.
    """
    from homeostat_tools.cli.extras import require

    require("homeostat demo", ("demo", *SERVICE_EXTRAS))
    from homeostat.runtime.stop_signal import StopSignal
    from homeostat_lab.demo.run import run, system_of
    from homeostat_lab.demo.screen import HINTS, Screen, claims_table, policies_table
    from homeostat_lab.demo.world import World

    console = Console(stderr=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    world = World(seed, stations, events)
    screen = Screen(console)
    with system_of(data_dir, lambda text: console.print(f"[dim]{text}[/dim]"), in_process=memory) as (system, where):
        with Live(screen, console=console, refresh_per_second=4, transient=False):
            finished = run(system, where, world, data_dir, screen.show)
        target = json_file or data_dir / "report.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(finished.report, indent=1) + "\n")
        out = Console()
        out.print(policies_table(finished.report))
        out.print(claims_table(finished.report))
        report = finished.report
        out.print(
            f"{report['events']:,} events, {report['drifts']} drifts, {report['decisions']:,} decisions; "
            f"{report['replayed_equal']:,} of {report['replayed']:,} outputs derived again, byte for byte; "
            f"{report['seconds']:.0f} s on {report['log']}; report: {target}"
        )
        if stay and where == "kafka" and sys.stdin.isatty() and sys.stdout.isatty():
            console.print(HINTS)
            stop = StopSignal().on_signals()
            while not stop.is_set():
                system.tick()
                stop.wait(0.1)
    if not finished.is_proven:
        raise typer.Exit(1)
