"""`homeostat schemas`: write the contract of the events."""

from pathlib import Path
from typing import Annotated

import typer


def schemas(
    folder: Annotated[Path, typer.Argument(help="Where to; files of types that are gone are left alone.")] = Path(
        "schemas"
    ),
) -> None:
    """Write a JSON Schema per event type, and one AsyncAPI document over all logs."""
    from homeostat.codec.schemas import export
    from homeostat_tools.cli.output import say

    say(f"{len(export(folder))} files in {folder}")
