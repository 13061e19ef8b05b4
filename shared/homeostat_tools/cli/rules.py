"""`homeostat apply`: the law, and what is registered, in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, Json, KeyName, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeostat_tools.cli.connection import Session

_TIMEOUT_SECONDS: Final = 15.0


def apply(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="homeostat.toml: rules, budget, scopes, models, roles, contracts, families, recipes.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change.")] = False,
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = _TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Make what a file says so: signed requests, registrations and recipes, for what differs.

    Signed: rules, budget (money, period), scopes.NAME (owner, settings, rules, budget), models."SCOPE/MODEL" (tier,
    owner, is_regulated, rollout), roles (principal = ["role@scope", …]). Registered: families."SCOPE/FAMILY" and
    contracts."SCOPE/MODEL". Kept in the data folder for the retrain actuator of this machine: recipes. What the file
    does not name stays as it is. What weakens approval is noted, and counts when a second person applies the same
    file: exits 5 for the first.
    """
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit
    from homeostat_tools.cli.in_force import in_force
    from homeostat_tools.cli.output import hint
    from homeostat_tools.cli.policy_file import changes, read_body, read_law
    from homeostat_tools.cli.registrations import recipes_of, registrations_of
    from homeostat_tools.cli.requests import send
    from homeostat_tools.cli.responses import SecondPersonNeeded

    law, body = read_law(file), read_body(file)
    recipes, registrations = recipes_of(file, body), registrations_of(file, body)
    with session(ctx, data_dir) as opened:
        n = _keep(opened, recipes, dry_run=dry_run, is_json=is_json)
        n += _register(opened, registrations, timeout, dry_run=dry_run, is_json=is_json)
        found = changes(in_force(opened.logs), law)
        for change in found:
            _show(change.title, change.data.TYPE, change.scope, change.lines, is_json=is_json)
        held: list[str] = []
        for change in () if dry_run else found:
            try:
                send(opened, change.data, change.scope, key, None, timeout)
            except SecondPersonNeeded as waits:
                held.append(f"{change.title}: {waits}")
    n += len(found)
    if held:
        raise CommandFailed(Exit.PENDING, f"{n - len(held)} changed; {'; '.join(held)}")
    hint(f"{n} {'would change' if dry_run else 'changed'}" if n else "nothing differs")


def _keep(opened: "Session", recipes: "Mapping[str, tuple[str, ...]]", *, dry_run: bool, is_json: bool) -> int:
    """Name recipes to the retrain actuator of this machine; return how many differ."""
    from homeostat.recipe_file import RECIPES_FILE, read_recipes, write_recipes
    from homeostat_tools.cli.policy_file import differing

    folder = opened.settings.data_dir
    lines = differing(read_recipes(folder) if recipes else {}, recipes)
    if lines:
        _show(f"recipes of {folder / RECIPES_FILE}", "recipes", str(folder / RECIPES_FILE), lines, is_json=is_json)
    if lines and not dry_run:
        write_recipes(folder, recipes)
    return sum(line.startswith("+") for line in lines)


def _register(opened: "Session", wanted: "list[Any]", timeout: float, *, dry_run: bool, is_json: bool) -> int:
    """Publish the registrations that differ, and wait until they are in force; return how many."""
    from homeostat.client.client import Client
    from homeostat_tools.cli.connection import SOURCE
    from homeostat_tools.cli.registrations import await_registered

    differ = [(one, lines) for one in wanted if (lines := one.lines(opened.logs))]
    for one, lines in differ:
        _show(f"register {one.subject}", one.data.TYPE, one.subject, lines, is_json=is_json)
    if differ and not dry_run:
        since, client = opened.logs.now(), Client(source=SOURCE, settings=opened.settings, logs=opened.logs)
        for one, _ in differ:
            client.publish(None, one.subject, one.data)
        client.flush()
        await_registered(opened.logs, [one for one, _ in differ], since, timeout)
    return len(differ)


def _show(title: str, type_: str, scope: str, lines: "Iterable[str]", *, is_json: bool) -> None:
    from homeostat_tools.cli.output import as_json, plain, show

    if is_json:
        as_json({"type": type_, "scope": scope, "changed": lines})
        return
    show(f"[bold]{plain(title)}[/bold]")
    for line in lines:
        colour = "green" if line.startswith("+") else "red"
        show(f"  [{colour}]{plain(line)}[/{colour}]")
