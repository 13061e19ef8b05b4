"""Options that several commands have, spelled once."""

import math
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from homeostat_tools.cli import completion

DEFAULT_DATA_DIR: Final = Path(".homeostat")
DEFAULT_KEY: Final = "operator"
"""Key that requests are signed with unless another is named."""


def is_named(ctx: typer.Context) -> bool:
    """Whether the data folder was named, by the option or the environment."""
    source = ctx.get_parameter_source("data_dir")
    return source is None or source.name != "DEFAULT"


def _nearest(ctx: typer.Context, value: Path) -> Path:
    """Take the nearest data folder where none was named: commands work in any folder below."""
    if is_named(ctx):
        return value
    from homeostat.client.address import find_data_dir

    return find_data_dir()


def finite(value: float) -> float:
    """Take a number that is one.

    Raises:
        BadParameter: It is infinite, or none.
    """
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to work with")
    return value


def writable(path: Path | None) -> Path | None:
    """Take the name of a file to write, before the work for it begins.

    Raises:
        BadParameter: It is a folder, or there is no folder to write it into.
    """
    if path is None:
        return None
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise typer.BadParameter(f"{str(path)[:80]}: {error.strerror}") from None
    if is_folder:
        raise typer.BadParameter(f"{path} is a folder: name a file")
    if not has_folder or not os.access(path.parent, os.W_OK):
        raise typer.BadParameter(f"there is no folder {path.parent} that can be written: make it first")
    return path


def _fits(value: str, form: str, what: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from homeostat.events import base

    try:
        return str(TypeAdapter[Any](getattr(base, form)).validate_python(value))
    except ValidationError:
        raise typer.BadParameter(f"{value!r} is not {what} (letters, digits, _ . -, at most 128 of them)") from None


def check_name(value: str) -> str:
    """Take the name of a family, model or version alone."""
    return _fits(value, "Name", "a name")


def check_model(value: str) -> str:
    """Take `scope/model`."""
    return _fits(value, "Subject", "a model as scope/model")


def check_optional(value: str) -> str:
    """Take `scope/model` or `scope/family`, or nothing."""
    return _fits(value, "Subject", "scope/name") if value else value


def _scope(value: str) -> str:
    return _fits(value, "Scope", "a scope, or *")


def _frozen(value: str) -> str:
    return _fits(value, "Frozen", "a scope, a model as scope/model, or *")


OwnDataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="HOMEOSTAT_DATA_DIR", help="Keys, artifacts and state of this machine.")
]
"""Exactly this folder, for what makes one."""
DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar="HOMEOSTAT_DATA_DIR",
        callback=_nearest,
        help="Keys, artifacts and state of this machine; the nearest .homeostat from here upwards unless told.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table: one object a line.")]
KeyName = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="HOMEOSTAT_KEY",
        autocompletion=completion.keys,
        help="Name of the key that signs, under <data dir>/keys.",
    ),
]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; it is kept with the request.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.0, max=86_400.0, callback=finite, help="Seconds to wait for the answer.")
]
Scope = Annotated[
    str, typer.Argument(callback=_scope, autocompletion=completion.scopes, help="A scope, or * for everything.")
]
Frozen = Annotated[
    str,
    typer.Argument(
        metavar="SCOPE|MODEL",
        callback=_frozen,
        autocompletion=completion.frozen,
        help="A scope, scope/model, or * for everything.",
    ),
]
Model = Annotated[str, typer.Argument(callback=check_model, autocompletion=completion.models, help="scope/model.")]
Family = Annotated[
    str,
    typer.Argument(callback=check_optional, autocompletion=completion.families, help="scope/family; all without it."),
]
