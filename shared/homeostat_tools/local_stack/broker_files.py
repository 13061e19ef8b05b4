"""Files and arguments that a broker is started with."""

import base64
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from homeostat_tools.local_stack.errors import KafkaUnavailable

AUTHORIZER: Final = "authorizer.class.name="


def is_secure(data_dir: Path) -> bool | None:
    """Whether the data of a broker were made with users; None if there are none yet."""
    home = data_dir / "kafka"
    if not (home / "logs" / "meta.properties").exists():
        return None
    return AUTHORIZER in (home / "server.properties").read_text(encoding="ascii", errors="replace")


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read: it may hold passwords."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def class_path(found: Iterable[Path]) -> str:
    """Join jars into the class path of Java.

    Raises:
        KafkaUnavailable: A path has the character in it that ends a path there.
    """
    absolute = [str(jar.absolute()) for jar in found]
    if any(os.pathsep in jar for jar in absolute):
        raise KafkaUnavailable(
            f"Kafka lies in {Path(absolute[0]).parent}, and Java takes {os.pathsep!r} for the end of a path.",
            "Set HOMEOSTAT_CACHE_DIR to a folder without it.",
        )
    return os.pathsep.join(absolute)


def new_cluster_id() -> str:
    """Make an id as Kafka does: 16 random bytes, URL-safe base64, never taken for an option."""
    while (text := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return text
