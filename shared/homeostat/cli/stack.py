"""`homeostat up|down|status|doctor`: the whole system on this machine."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from homeostat.host.connection import Cluster
    from homeostat.host.settings import HostSettings

out, err = Console(), Console(stderr=True)
DataDir = Annotated[Path, typer.Option("--data-dir", envvar="HOMEOSTAT_DATA_DIR", help="keys, logs, artifacts, state")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
_DOWN_SECONDS: Final = 30.0
_CLOCK_SECONDS: Final = 5.0
"""Between two clocks: commands live for minutes, timers of subjects for less."""


def up(
    data_dir: DataDir = Path(".homeostat"),
    partitions: Annotated[int, typer.Option(help="of new topics")] = 12,
    separate: Annotated[bool, typer.Option("--separate", help="one process per service")] = False,
) -> None:
    """Start Kafka and every service, supervise them until Ctrl-C.

    Uses the broker of HOMEOSTAT_BOOTSTRAP_SERVERS if that is set. Data survive a restart.
    """
    from homeostat.host.stopping import Stopping
    from homeostat.stack.local import LocalStack

    stop = Stopping().on_signals()
    started = time.monotonic()
    stack = LocalStack(
        data_dir,
        bootstrap_servers=os.environ.get("HOMEOSTAT_BOOTSTRAP_SERVERS"),
        partitions=partitions,
        is_packed=not separate,
        on_progress=lambda text: err.print(f"[dim]{text}[/dim]"),
    )
    try:
        stack.start()
        err.print(f"[green]up[/green] in {time.monotonic() - started:.1f} s: Kafka at {stack.bootstrap_servers}")
        err.print("look: homeostat status · homeostat tail timeline -f · stop: Ctrl-C or homeostat down")
        stack.run(stop)
    finally:
        err.print("[dim]stopping[/dim]")
        stack.stop()


def down(data_dir: DataDir = Path(".homeostat")) -> None:
    """Stop what `homeostat up` started here; nothing is lost."""
    from homeostat.stack.report import read_report

    report = read_report(data_dir / "processes.json")
    if report is None:
        err.print(f"nothing runs under {data_dir}")
        return
    os.kill(report.supervisor_pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_SECONDS
    while read_report(data_dir / "processes.json") is not None:
        if time.monotonic() > deadline:
            err.print(f"[red]process {report.supervisor_pid} does not end[/red]; see {data_dir / 'logs'}")
            raise typer.Exit(1)
        time.sleep(0.05)
    err.print("down")


def status(data_dir: DataDir = Path(".homeostat"), as_json: Json = False) -> None:
    """Show the processes: state, restarts, memory. Exits 1 if one of them is not running."""
    import psutil

    from homeostat.stack.report import read_report

    report = read_report(data_dir / "processes.json")
    if report is None:
        err.print(f"nothing runs under {data_dir}; start it with `homeostat up`")
        raise typer.Exit(3)
    rows = []
    for process in report.processes:
        memory = psutil.Process(process.pid).memory_info().rss if process.pid and psutil.pid_exists(process.pid) else 0
        rows.append(
            {
                "process": process.name,
                "state": process.state,
                "pid": process.pid,
                "restarts": process.restarts,
                "uptime_seconds": round(process.uptime_seconds, 1),
                "memory_bytes": memory,
            }
        )
    if as_json:
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        table = Table(*rows[0])
        for row in rows:
            colour = "green" if row["state"] == "running" else "red"
            cells = [str(value) for value in row.values()]
            cells[1] = f"[{colour}]{cells[1]}[/{colour}]"
            cells[-1] = f"{int(str(row['memory_bytes'])) / 1e6:.0f} MB"
            table.add_row(*cells)
        out.print(table)
    if any(row["state"] != "running" for row in rows):
        raise typer.Exit(1)


def doctor(data_dir: DataDir = Path(".homeostat"), as_json: Json = False) -> None:
    """Check what the system needs here and in its broker, and say what to do. Exits 1 if something is wrong."""
    checks = [*_machine_checks(), *_data_checks(data_dir), *_process_checks(data_dir), *_broker_checks(data_dir)]
    if as_json:
        sys.stdout.write(json.dumps([dict(zip(("check", "ok", "detail"), c, strict=True)) for c in checks]) + "\n")
    else:
        for name, good, detail in checks:
            out.print(f"{'[green]ok  [/green]' if good else '[red]FAIL[/red]'} {name}: {detail}", highlight=False)
    if not all(good for _, good, _ in checks):
        raise typer.Exit(1)


Check = tuple[str, bool, str]


def _machine_checks() -> list[Check]:
    import importlib.util

    free = shutil.disk_usage(Path.cwd()).free
    checks: list[Check] = [
        ("python", sys.version_info >= (3, 11), f"{sys.version.split()[0]}; 3.11 or later is needed"),
        ("disk", free > 2 << 30, f"{free / 1e9:.1f} GB free; 2 GB are needed"),
    ]
    for module, extra in (("river", "drift-detector"), ("torch", "maml-trainer"), ("jgo", "broker")):
        there = importlib.util.find_spec(module) is not None
        todo = "installed" if there else f"missing: pip install 'homeostat[{extra}]'"
        checks.append((module, there, todo))
    return checks


def _data_checks(data_dir: Path) -> list[Check]:
    from homeostat.audit.keys import KeyMissing, load
    from homeostat.core import HomeostatError

    checks: list[Check] = []
    for name in ("notary", "operator"):
        try:
            checks.append((f"key {name}", True, load(data_dir / "keys", name).key_id))
        except KeyMissing:
            checks.append((f"key {name}", True, "not made yet: `homeostat up` makes it"))
        except HomeostatError as error:
            checks.append((f"key {name}", False, str(error)))
    return checks


def _process_checks(data_dir: Path) -> list[Check]:
    from homeostat.host.process import EXIT_HALTED
    from homeostat.stack.report import read_report

    report = read_report(data_dir / "processes.json")
    if report is None:
        return []
    checks: list[Check] = []
    for process in report.processes:
        if process.state in ("backoff", "crash_loop"):
            log = data_dir / "logs" / f"{process.name}.log"
            why = (
                "halted, for a person to act" if process.last_exit == EXIT_HALTED else f"ended with {process.last_exit}"
            )
            checks.append((f"process {process.name}", False, f"{why}: {_last_line(log)} ({log})"))
    return checks or [("processes", True, f"{len(report.processes)}, none has halted")]


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "it has said nothing"
    return next((line for line in reversed(lines) if line.strip()), "it has said nothing")


def _broker_checks(data_dir: Path) -> list[Check]:
    from homeostat.cli.connection import settings_of
    from homeostat.host.connection import BrokerUnreachable, Cluster, TopicMissing
    from homeostat.stack.services import topics

    settings = settings_of(data_dir)
    servers = settings.bootstrap_servers
    cluster = Cluster(settings)
    try:
        cluster.load(timeout_seconds=3.0)
    except BrokerUnreachable as error:
        return [("broker", False, str(error))]
    missing = []
    for spec in topics(1):
        try:
            cluster.places(spec.name)
        except TopicMissing:
            missing.append(spec.name)
    detail = f"{len(missing)} missing: run `homeostat topics create`" if missing else "all there"
    clock = [] if missing else [_clock_check(settings, cluster)]
    return [("broker", True, servers), ("topics", not missing, detail), *clock]


def _clock_check(settings: "HostSettings", cluster: "Cluster") -> Check:
    from homeostat.host.clock import clock_ahead_seconds
    from homeostat.host.connection import BrokerUnreachable

    try:
        ahead = clock_ahead_seconds(settings, cluster)
    except BrokerUnreachable as error:
        return ("clock", False, str(error))
    detail = f"the broker's is {abs(ahead):.2f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    is_good = abs(ahead) <= _CLOCK_SECONDS
    return ("clock", is_good, detail if is_good else f"{detail}: let NTP set both")
