"""`homeostat doctor`: what is missing, what is wrong, and the command that mends it."""

from typing import Annotated, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    ctx: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on a warning too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Check this machine, its broker, and what people regret; say the command that mends each. Exits 1 on a FAIL.

    A warning is a mistake that works: no owner, no feature contract, no second approver, a cost that nobody counts.
    """
    from homeostat_tools.cli.checks import Context, examine
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.output import as_json, plain, show

    verdicts = set[str]()
    with session(ctx, data_dir) as opened:
        is_local = "bootstrap_servers" not in settings_from_outside()
        context = Context(data_dir, opened.settings, opened.logs, is_local)
        for check in examine(context, has_broker=ctx.obj is None):
            verdicts.add(check.verdict)
            if is_json:
                fields = {"check": check.name, "ok": check.verdict == "ok", "verdict": check.verdict}
                as_json(fields | {"detail": check.detail, "mend": check.mend})
                continue
            word = check.verdict.upper() if check.verdict == "fail" else check.verdict
            show(f"[{_COLOURS[check.verdict]}]{word:<4}[/] {plain(check.name)}: {plain(check.detail)}")
            if check.mend:
                show(f"     [dim]mend:[/dim] {plain(check.mend)}")
    if "fail" in verdicts or (strict and "warn" in verdicts):
        raise typer.Exit(1)


def settings_from_outside() -> set[str]:
    """Names of the settings that the environment gives."""
    from homeostat.runtime.settings import HostSettings

    return HostSettings().model_fields_set
