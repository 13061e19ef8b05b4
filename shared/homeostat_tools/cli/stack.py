"""`homeostat up|down|status|address`: the whole system on this machine."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json, OwnDataDir, is_named

out, err = Console(), Console(stderr=True)
_DOWN_SECONDS: Final = 30.0
_READY_SECONDS: Final = 180.0
"""What starts on a machine that is busy gets there; what is late is named meanwhile."""


def up(
    ctx: typer.Context,
    data_dir: OwnDataDir = DEFAULT_DATA_DIR,
    partitions: Annotated[int, typer.Option(min=1, max=1000, help="of new topics")] = 12,
    separate: Annotated[bool, typer.Option("--separate", help="one process per service")] = False,
    secure: Annotated[
        bool, typer.Option("--secure", help="a broker with users and ACLs; a folder keeps what it began with")
    ] = False,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="a process to leave out, as `homeostat status` names it")
    ] = None,
    is_acting: Annotated[
        bool,
        typer.Option("--act", help="every scope acts from the first start on; else it observes until `homeostat act`"),
    ] = False,
) -> None:
    """Start Kafka and every service, supervise them until Ctrl-C.

    Uses the broker of HOMEOSTAT_BOOTSTRAP_SERVERS if that is set. Data survive a restart. Every scope begins by
    observing: what would be done to its models is proposed, and not done until `homeostat act SCOPE`.
    """
    from homeostat.events.requests import ACT, OBSERVE
    from homeostat.runtime.settings import DEFAULT_BOOTSTRAP
    from homeostat.runtime.stop_signal import StopSignal
    from homeostat_tools.local_stack.local import LocalStack
    from homeostat_tools.local_stack.services import programs_here

    if secure and os.environ.get("HOMEOSTAT_BOOTSTRAP_SERVERS"):
        from homeostat_tools.cli.exit_codes import usage

        raise usage("--secure is about a broker that is started here; at yours: homeostat acl --apply")
    _check_packs(separate=separate, without=without or [])
    if not is_named(ctx):
        _check_above(data_dir)
    stop = StopSignal().on_signals()
    started = time.monotonic()
    stack = LocalStack(
        data_dir,
        bootstrap_servers=os.environ.get("HOMEOSTAT_BOOTSTRAP_SERVERS"),
        kafka_port=int(DEFAULT_BOOTSTRAP.rpartition(":")[2]),
        partitions=partitions,
        is_packed=not separate,
        is_secure=secure or None,
        without=without or (),
        mode=ACT if is_acting else OBSERVE,
        on_progress=lambda text: _say(f"[dim]{text}[/dim]"),
    )
    try:
        stack.start(_READY_SECONDS)
        _say(f"[green]up[/green] in {time.monotonic() - started:.1f} s: Kafka at {stack.bootstrap_servers}")
        if stack.bootstrap_servers != DEFAULT_BOOTSTRAP:
            _say(f"not at {DEFAULT_BOOTSTRAP}: other tools find it by `homeostat address`")
        for name, program in programs_here().items():
            if name in stack.addresses and program.writes:
                taken = "" if stack.addresses[name].endswith(f":{program.port}") else f" (port {program.port} is taken)"
                _say(f"events over HTTP: {stack.addresses[name]}/v1/events{taken}")
        if not is_acting:
            _say("a scope observes until `homeostat act SCOPE`; connect a model: homeostat new model SCOPE/MODEL")
        _say("look: homeostat status · homeostat tail timeline -f · stop: Ctrl-C or homeostat down")
        stack.run(stop)
    finally:
        if stack.is_ours:
            _say("[dim]stopping[/dim]")
        stack.stop()


def _check_above(data_dir: Path) -> None:
    """See that no stack runs in a folder above: one in a new folder here would hide it from the commands typed here."""
    from homeostat.client.address import find_data_dir
    from homeostat_tools.local_stack.errors import StackRunning
    from homeostat_tools.local_stack.status_file import read_report

    found = find_data_dir()
    report = read_report(found / "processes.json") if found != data_dir else None
    if report is not None:
        raise StackRunning(found, str(report.supervisor_pid))


def _check_packs(*, separate: bool, without: list[str]) -> None:
    """See that every service that is to run can: one that cannot would be started again and again."""
    from homeostat.runtime import registry
    from homeostat_tools.cli.exit_codes import usage
    from homeostat_tools.cli.extras import missing_modules, require
    from homeostat_tools.local_stack.services import packs, programs_here

    every = {
        pack.name: [service.replace("_", "-") for service in pack.services] for pack in packs(is_packed=not separate)
    }
    programs = programs_here()
    if unknown := sorted(set(without) - set(every) - set(registry.programs())):
        raise usage(f"no process {unknown[0]!r}; there are {', '.join([*every, *registry.programs()])}")
    wanted = {name: services for name, services in every.items() if name not in without}
    # programs run with any choice of services
    beside = [program.service.replace("_", "-") for name, program in programs.items() if name not in without]
    extras = dict.fromkeys([*beside, *(service for services in wanted.values() for service in services)])
    lacking = [name for name, services in wanted.items() if any(missing_modules(service) for service in services)]
    is_small = len(lacking) == 1 and not any(map(missing_modules, beside))
    instead = f"leave it out: homeostat up --without {' --without '.join([*without, *lacking])}" if is_small else ""
    require("homeostat up", [*extras], instead)


def _say(text: str) -> None:
    err.print(text, soft_wrap=True)


def address(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Print the address of Kafka, for other tools: kcat -b $(homeostat address). Exits 3 if there is none.

    It is what HOMEOSTAT_BOOTSTRAP_SERVERS says, else what runs under the data folder.
    """
    from homeostat_tools.cli.connection import settings_of
    from homeostat_tools.cli.exit_codes import not_found

    settings = settings_of(data_dir)
    if "bootstrap_servers" not in settings.model_fields_set:
        raise not_found(f"nothing runs under {data_dir}; start it with `homeostat up`")
    sys.stdout.write(f"{settings.bootstrap_servers}\n")


def down(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Stop what `homeostat up` started here; nothing is lost."""
    from homeostat_tools.local_stack.status_file import read_report

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


def status(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: Json = False) -> None:
    """Show the processes: state, restarts, memory. Exits 1 if one of them is not running."""
    import psutil

    from homeostat_tools.local_stack.status_file import read_report

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
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")
    else:
        table = Table("process", "state", "pid", "restarts", "uptime_seconds", "memory_bytes")
        for row in rows:
            colour = "green" if row["state"] == "running" else "red"
            cells = [str(value) for value in row.values()]
            cells[1] = f"[{colour}]{cells[1]}[/{colour}]"
            cells[-1] = f"{int(str(row['memory_bytes'])) / 1e6:.0f} MB"
            table.add_row(*cells)
        out.print(table)
    if any(row["state"] != "running" for row in rows):
        raise typer.Exit(1)
