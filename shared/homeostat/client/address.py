"""Where the broker is: the environment says, else a running `homeostat up`, else the default."""

import json
import os
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from homeostat.audit.secret_file import read_secret
from homeostat.runtime.settings import HostSettings

STACK_FILE: Final = "stack.json"
DATA_DIR: Final = Path(".homeostat")
USERS: Final = "users"
"""Folder of the passwords of a broker's users, below the data folder."""


def find_data_dir() -> Path:
    """Return the data folder of the nearest `homeostat up` from here upwards: `.homeostat` in this folder or above.

    Above this folder only what belongs to this user counts: in a shared place somebody else's would get our requests.

    Returns:
        `.homeostat` if it is here, or nowhere.
    """
    if DATA_DIR.is_dir():
        return DATA_DIR
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return DATA_DIR
    return next((found for parent in here.parents if _is_ours(found := parent / DATA_DIR)), DATA_DIR)


def _is_ours(folder: Path) -> bool:
    user = getattr(os, "getuid", lambda: 0)()  # where there are no users, everything is ours
    try:
        return folder.is_dir() and user in (0, folder.stat().st_uid)
    except OSError:
        return False


def write_address(data_dir: Path, bootstrap_servers: str, **others: object) -> Path:
    """Tell other processes of this machine where the broker of `homeostat up` is; a reader sees all of it or nothing.

    Args:
        data_dir: Of the stack; made if it is not there.
        bootstrap_servers: Address.
        **others: Further facts, as JSON values.

    Returns:
        The file.
    """
    path = data_dir / STACK_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{STACK_FILE}.{os.getpid()}")
    draft.write_text(json.dumps({"bootstrap_servers": bootstrap_servers, **others}), encoding="utf-8")
    draft.replace(path)
    return path


def read_address(data_dir: Path) -> str | None:
    """Return what `write_address` has written; None if nothing, or nothing readable, is there."""
    try:
        servers = json.loads((data_dir / STACK_FILE).read_text(encoding="utf-8"))["bootstrap_servers"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return servers if isinstance(servers, str) and servers else None


def read_user(data_dir: Path) -> dict[str, SecretStr]:
    """Return how a program of this machine logs in at the broker of `homeostat up --secure`; empty for any other.

    Raises:
        SecretUnusable: The password's file is open to others, or is none.
    """
    try:
        user = json.loads((data_dir / STACK_FILE).read_text(encoding="utf-8")).get("user")
    except (OSError, ValueError, AttributeError):
        return {}
    if not isinstance(user, dict):
        return {}
    password = read_secret(data_dir / USERS / f"{user.get('sasl.username')}.password")
    properties = {name: str(value) for name, value in user.items()} | {"sasl.password": password}
    return {name: SecretStr(value) for name, value in properties.items()}


def resolve(settings: HostSettings) -> HostSettings:
    """Fill in what was set by neither argument nor environment.

    The data folder is the nearest one (`find_data_dir`), the broker's address what stands in it, else the default; so
    is the user, where that broker has users and the settings name none.
    """
    found: dict[str, Any] = {}
    if "data_dir" not in settings.model_fields_set:
        found["data_dir"] = find_data_dir()
    if "bootstrap_servers" not in settings.model_fields_set:
        servers = read_address(found.get("data_dir", settings.data_dir))
        if servers is not None:
            found["bootstrap_servers"] = servers
            if "security.protocol" not in settings.kafka:
                found["kafka"] = read_user(found.get("data_dir", settings.data_dir)) | settings.kafka
    return settings.model_copy(update=found)
