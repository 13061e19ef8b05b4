"""`homeostat up|down|status|doctor`: the whole system on this machine."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

out, err = Console(), Console(stderr=True)
DataDir = Annotated[Path, typer.Option("--data-dir", envvar="HOMEOSTAT_DATA_DIR", help="keys, logs, artifacts, state")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
_DOWN_SECONDS: Final = 30.0


def up(
    data_dir: DataDir = Path(".homeostat"),
    partitions: Annotated[int, typer.Option(help="of new topics")] = 12,
    separate: Annotated[bool, typer.Option("--separate", help="one process per service")] = False,
) -> None:
    """Start Kafka and every service, supervise them until Ctrl-C.

    Uses the broker of HOMEOSTAT_BOOTSTRAP_SERVERS if that is set. Data survive a restart.
    """
    from homeostat.stack.local import LocalStack

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
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
    checks = [*_machine_checks(), *_data_checks(data_dir), *_broker_checks(data_dir)]
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


def _broker_checks(data_dir: Path) -> list[Check]:
    from homeostat.cli.connection import bootstrap_servers
    from homeostat.host.connection import BrokerUnreachable, Cluster, TopicMissing
    from homeostat.host.settings import HostSettings
    from homeostat.stack.services import topics

    servers = bootstrap_servers(data_dir)
    cluster = Cluster(HostSettings(bootstrap_servers=servers))
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
    return [("broker", True, servers), ("topics", not missing, detail)]
