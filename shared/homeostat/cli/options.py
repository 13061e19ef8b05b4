"""Options that several commands have, spelled once."""

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_DATA_DIR: Final = Path(".homeostat")
DEFAULT_KEY: Final = "operator"
"""Key that requests are signed with unless another is named."""

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="HOMEOSTAT_DATA_DIR", help="Keys, artifacts and state of this machine.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
KeyName = Annotated[
    str, typer.Option("--key", envvar="HOMEOSTAT_KEY", help="Name of the key that signs, under <data dir>/keys.")
]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; it is kept with the request.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.0, help="Seconds to wait for the answer.")]
