"""This machine: Python, disk, packages."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat_tools.cli.checks.check import Check, Context, fail, ok
from homeostat_tools.cli.extras import EXTRAS, SERVICE_EXTRAS, install_command, missing_modules

_NEEDED_BYTES: Final = 2 << 30


def python(context: Context) -> Iterator[Check]:
    """Which one; an older one than 3.11 could not even read this."""
    yield ok("python", sys.version.split()[0])


def disk(context: Context) -> Iterator[Check]:
    """Space where the data lie, or will."""
    place = next(
        (folder for folder in (context.data_dir, *context.data_dir.absolute().parents) if folder.is_dir()), Path("/")
    )
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}; 2 GB are needed"
    if free > _NEEDED_BYTES:
        yield ok("disk", detail)
    else:
        yield fail("disk", detail, "make room, or name a folder elsewhere: homeostat up --data-dir FOLDER")


def services(context: Context) -> Iterator[Check]:
    """What the services need; they may run elsewhere, where a broker is named."""
    for extra in SERVICE_EXTRAS:
        missing = missing_modules(extra)
        if not missing:
            yield ok(f"extra {extra}", f"{', '.join(EXTRAS[extra])}: installed")
        elif context.is_local and not context.is_running:
            yield fail(
                f"extra {extra}", f"{', '.join(missing)}: missing, and the services need it", install_command([extra])
            )
        else:
            yield ok(f"extra {extra}", f"{', '.join(missing)}: missing here; needed where the services run")


def tools(context: Context) -> Iterator[Check]:
    """What settings ask for must be there; what nobody asks for is named."""
    for extra in [extra for extra in EXTRAS if extra not in SERVICE_EXTRAS]:
        if not (missing := missing_modules(extra)):
            yield ok(f"extra {extra}", f"{', '.join(EXTRAS[extra])}: installed")
        elif why := _asked_for(extra, context):
            yield fail(f"extra {extra}", f"{', '.join(missing)}: missing, and {why}", install_command([extra]))
        else:
            yield ok(f"extra {extra}", f"not installed; {install_command([extra])} brings it")


def _asked_for(extra: str, context: Context) -> str:
    """What asks for an extra; empty for nothing."""
    store = context.settings.store_url
    match extra:
        case "redis" if context.settings.redis_url.get_secret_value():
            return "HOMEOSTAT_REDIS_URL is set"
        case "object-store" if "://" in store and not store.startswith("file:"):
            return f"the store is {store}"
        case "otlp" if any("OTLP" in name and name.endswith("ENDPOINT") for name in os.environ):
            return "an endpoint of OTLP is set"
        case "broker" if context.is_local and not _has_kafka():
            return "`homeostat up` starts Kafka with it"
        case _:
            return ""


def _has_kafka() -> bool:
    """Whether Kafka's files and a Java are on this machine already."""
    from homeostat_tools.local_stack import jars
    from homeostat_tools.local_stack.errors import KafkaUnavailable
    from homeostat_tools.local_stack.java import find_java

    folder = jars.cache_dir(os.environ) / "jars"
    if not all((folder / jar.filename).is_file() for jar in jars.read_lock()):
        return False
    try:
        find_java(os.environ)
    except KafkaUnavailable:
        return False
    return True
