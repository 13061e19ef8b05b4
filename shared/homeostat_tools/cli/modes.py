"""`homeostat act|observe`: whether automation may change anything in a scope, signed."""

from typing import Any

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DEFAULT_KEY, DataDir, KeyName, Scope, Timeout
from homeostat_tools.cli.requests import TIMEOUT_SECONDS, ask


def act(
    ctx: typer.Context,
    scope: Scope,
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let automation act in a scope, under its rules; `*` for every scope that says nothing else."""
    from homeostat.events.requests import ACT

    _set(ctx, scope, ACT, key, timeout, data_dir)


def observe(
    ctx: typer.Context,
    scope: Scope,
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let automation only say what it would do in a scope; what is under way goes on, and people may still ask."""
    from homeostat.events.requests import OBSERVE

    _set(ctx, scope, OBSERVE, key, timeout, data_dir)


def _set(ctx: typer.Context, scope: str, mode: str, *where: Any) -> None:
    from homeostat.events import ScopeConfigured
    from homeostat.events.requests import MODE
    from homeostat_tools.cli.output import say
    from homeostat_tools.cli.requests import payload

    ask(ctx, payload(ScopeConfigured, {"scope": scope, "settings": {MODE: mode}}), scope, *where)
    say(f"{scope} {mode}s")
