"""What the shell offers: logs, types and folds, and the models and scopes that the broker knows, if it answers.

Nothing here may fail or wait for long: a shell is waiting for a key.
"""

import contextlib
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from homeostat.client.logs import Logs
    from homeostat_tools.cli.known import Known

_CONNECT_SECONDS: Final = 0.3
_READ_SECONDS: Final = 1.5
_PREFIX: Final = "homeostat."


def logs(incomplete: str) -> list[str]:
    """Logs, with the prefix if it was typed."""
    from homeostat.events.logs import LOGS

    names = [log.name for log in LOGS]
    return _starting(names if incomplete.startswith(_PREFIX) else [n.removeprefix(_PREFIX) for n in names], incomplete)


def types(incomplete: str) -> list[str]:
    """Short types of events."""
    from homeostat.events import MODELS, short

    return _starting(map(short, MODELS), incomplete)


def folds(incomplete: str) -> list[str]:
    """Folds."""
    from homeostat.runtime import registry

    return _starting([*registry.folds(), "all"], incomplete)


def scopes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Scopes, and `*`."""
    return _starting(["*", *_known(ctx).scopes], incomplete)


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models, as scope/model."""
    return _starting(_known(ctx).models, incomplete)


def families(ctx: typer.Context, incomplete: str) -> list[str]:
    """Families, as scope/family."""
    return _starting(_known(ctx).families, incomplete)


def subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """Whatever a key may be: scopes, models, families."""
    known = _known(ctx)
    return _starting({*known.scopes, *known.models, *known.families}, incomplete)


def frozen(ctx: typer.Context, incomplete: str) -> list[str]:
    """What can be frozen: scopes, models, `*`."""
    known = _known(ctx)
    return _starting({"*", *known.scopes, *known.models}, incomplete)


def distrusted(ctx: typer.Context, incomplete: str) -> list[str]:
    """Sources that somebody has distrusted and nobody has trusted again."""
    from homeostat_tools.cli.known import distrusted_among

    deadline = time.monotonic() + _READ_SECONDS
    with contextlib.suppress(Exception):  # a shell cannot show an error in the middle of a line
        opened = _logs(ctx)
        if opened is not None:
            return _starting(distrusted_among(opened, lambda: time.monotonic() > deadline), incomplete)
    return []


def keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Keys of this machine."""
    from homeostat.client.address import find_data_dir

    folder = Path(ctx.params.get("data_dir") or find_data_dir()) / "keys"
    return _starting([path.stem for path in folder.glob("*.pem") if "." not in path.stem], incomplete)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _known(ctx: typer.Context) -> "Known":
    from homeostat_tools.cli.known import Known, spoken_of

    deadline = time.monotonic() + _READ_SECONDS
    known = Known()
    with contextlib.suppress(Exception):  # a shell cannot show an error in the middle of a line
        opened = _logs(ctx)
        if opened is not None:
            spoken_of(opened, known, lambda: time.monotonic() > deadline)
    return known


def _logs(ctx: typer.Context) -> "Logs | None":
    """The logs that the command would read, if their broker answers at once."""
    given: Any = ctx.obj
    if given is not None:
        logs: Logs = given
        return logs
    from homeostat.client.address import find_data_dir
    from homeostat.client.kafka import KafkaLogs
    from homeostat_tools.cli.connection import settings_of

    settings = settings_of(Path(ctx.params.get("data_dir") or find_data_dir()))
    host, _, port = settings.bootstrap_servers.partition(",")[0].rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    return KafkaLogs(settings, "homeostat-completion")
