"""Where the broker is: the environment says, else a running `homeostat up`, else the default."""

import json
import os
from pathlib import Path
from typing import Final

from homeostat.host.settings import HostSettings

STACK_FILE: Final = "stack.json"


def write_address(data_dir: Path, bootstrap_servers: str) -> Path:
    """Tell other processes of this machine where the broker of `homeostat up` is; a reader sees all of it or nothing.

    Returns:
        The file.
    """
    path = data_dir / STACK_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{STACK_FILE}.{os.getpid()}")
    draft.write_text(json.dumps({"bootstrap_servers": bootstrap_servers}), encoding="utf-8")
    draft.replace(path)
    return path


def read_address(data_dir: Path) -> str | None:
    """Return what `write_address` has written; None if nothing, or nothing readable, is there."""
    try:
        servers = json.loads((data_dir / STACK_FILE).read_text(encoding="utf-8"))["bootstrap_servers"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return servers if isinstance(servers, str) and servers else None


def resolve(settings: HostSettings) -> HostSettings:
    """Fill the broker's address in: as set by argument or environment, else the stack file's, else the default."""
    if "bootstrap_servers" in settings.model_fields_set:
        return settings
    servers = read_address(settings.data_dir)
    return settings if servers is None else settings.model_copy(update={"bootstrap_servers": servers})
