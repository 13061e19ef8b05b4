"""`homeostat schemas`: write the contract of the events."""

from pathlib import Path
from typing import Annotated

import typer


def schemas(
    folder: Annotated[Path, typer.Argument(help="Where to; files of types that are gone are left alone.")] = Path(
        "schemas"
    ),
) -> None:
    """Write a JSON Schema per event type, an AsyncAPI document over all logs, the deployment protocol as OpenAPI."""
    from homeostat.codec.schemas import export
    from homeostat.serving import openapi
    from homeostat_tools.cli.output import say

    say(f"{len([*export(folder), openapi.export(folder)])} files in {folder}")
