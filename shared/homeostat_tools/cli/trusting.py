"""`homeostat distrust|trust`: whose word counts in a scope, signed."""

from typing import TYPE_CHECKING, Annotated

import typer

from homeostat_tools.cli import completion
from homeostat_tools.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_KEY,
    DataDir,
    Json,
    KeyName,
    Reason,
    Timeout,
    check_name,
)
from homeostat_tools.cli.requests import TIMEOUT_SECONDS, ask

if TYPE_CHECKING:
    from pathlib import Path

    from homeostat.events import SourceDistrusted, SourceTrusted


def _source(value: str) -> str:
    """Take what can be a source.

    Raises:
        BadParameter: It is empty, or too long.
    """
    from pydantic import TypeAdapter, ValidationError

    from homeostat.events.bounds import Identifier

    try:
        found = str(TypeAdapter[str](Identifier).validate_python(value))
    except ValidationError:
        found = ""
    if not found:
        raise typer.BadParameter(f"{value[:80]!r} is no source: write ce_source as the events have it")
    return found


_Source = Annotated[
    str, typer.Argument(metavar="SOURCE", callback=_source, help="CloudEvents source, as its events name it.")
]
_Distrusted = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        callback=_source,
        autocompletion=completion.distrusted,
        help="A source that is distrusted.",
    ),
]
_InScope = Annotated[
    str,
    typer.Option(
        "--scope", "-s", help="Scope that it speaks in.", callback=check_name, autocompletion=completion.scopes
    ),
]


def distrust(
    ctx: typer.Context,
    source: _Source,
    scope: _InScope,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Let nothing count that came from a source: what it taught, and weights trained on it, are set aside."""
    from homeostat.events import SourceDistrusted

    made = SourceDistrusted(scope=scope, source=source, reason=reason)
    _request(ctx, made, key, timeout, data_dir, is_json=is_json)


def trust(
    ctx: typer.Context,
    source: _Distrusted,
    scope: _InScope,
    reason: Reason = "",
    key: KeyName = DEFAULT_KEY,
    timeout: Timeout = TIMEOUT_SECONDS,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Let a distrusted source count again: what it had said before comes back as it was."""
    from homeostat.events import SourceTrusted

    made = SourceTrusted(scope=scope, source=source, reason=reason)
    _request(ctx, made, key, timeout, data_dir, is_json=is_json)


def _request(
    ctx: typer.Context,
    made: "SourceDistrusted | SourceTrusted",
    key: str,
    timeout: float,
    data_dir: "Path",
    *,
    is_json: bool,
) -> None:
    from homeostat.events import SourceDistrusted
    from homeostat_tools.cli.output import as_json, say

    ask(ctx, made, made.scope, key, timeout, data_dir)
    scope, source, is_distrusted = made.scope, made.source, isinstance(made, SourceDistrusted)
    if is_json:
        as_json({"scope": scope, "source": source, "is_distrusted": is_distrusted})
    elif is_distrusted:
        say(f"nothing from {source} counts in {scope} any more; `homeostat trust {source} -s {scope}` undoes it")
    else:
        say(f"{source} counts in {scope} again")
