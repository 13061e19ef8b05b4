"""`homeostat apply`: the law in one file."""

from pathlib import Path
from typing import Annotated, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, Json, KeyName, Timeout

_TIMEOUT_SECONDS: Final = 15.0


def apply(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="homeostat.toml: rules, budget, scopes, models, roles.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change.")] = False,
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Make the rules, budgets, scopes, models and roles of a file the law: signed requests for what differs.

    Sections: rules, budget (money, period), scopes.NAME (owner, settings, rules, budget), models."SCOPE/MODEL" (tier,
    owner, is_regulated), roles (principal = ["role@scope", …]). What the file does not name stays as it is. What
    weakens approval is noted, and counts when a second person applies the same file: exits 5 for the first.
    """
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import as_json, hint, plain, show
    from homeostat_tools.cli.policy_file import changes, read_law
    from homeostat_tools.cli.requests import send
    from homeostat_tools.cli.responses import SecondPersonNeeded

    wanted = read_law(file)
    with session(ctx, data_dir) as opened:
        found = changes(in_force(opened.logs), wanted)
        for change in found:
            if is_json:
                as_json({"type": change.data.TYPE, "scope": change.scope, "changed": change.lines})
                continue
            show(f"[bold]{plain(change.title)}[/bold]")
            for line in change.lines:
                colour = "green" if line.startswith("+") else "red"
                show(f"  [{colour}]{plain(line)}[/{colour}]")
        held: list[str] = []
        for change in () if dry_run else found:
            try:
                send(opened, change.data, change.scope, key, None, timeout)
            except SecondPersonNeeded as waits:
                held.append(f"{change.title}: {waits}")
    if held:
        raise CommandFailed(Exit.PENDING, f"{len(found) - len(held)} changed; {'; '.join(held)}")
    hint(f"{len(found)} {'would change' if dry_run else 'changed'}" if found else "nothing differs")
