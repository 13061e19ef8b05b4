"""Which broker a command talks to, and with what: the one place where that is decided."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from homeostat.audit.keys import Key, load
from homeostat.client.address import resolve
from homeostat.client.client import Client
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Logs
from homeostat.commands import is_signed, notary_keys
from homeostat.core import Event
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.settings import HostSettings

SOURCE = "/homeostat/cli"


def settings_of(data_dir: Path) -> HostSettings:
    """Settings of a command: the environment, this data folder, and the broker of the environment or of its stack."""
    base = settings_of_environment(HostSettings)
    given = {name: getattr(base, name) for name in base.model_fields_set}
    return resolve(HostSettings(**(given | {"data_dir": data_dir})))


class Session:
    """A command's connection.

    Args:
        settings: Where and how to connect.
        logs: Instead of a broker, for tests.
    """

    def __init__(self, settings: HostSettings, logs: Logs | None = None) -> None:
        self.settings = settings
        self.logs: Logs = KafkaLogs(settings, "homeostat-cli") if logs is None else logs

    def client(self, key: str | Key) -> Client:
        """A client that signs with a key, or with the one of that name in the data folder.

        Raises:
            KeyMissing: There is no such key.
        """
        signer = load(self.settings.keys_dir, key) if isinstance(key, str) else key
        return Client(source=SOURCE, settings=self.settings, logs=self.logs, key=signer)

    def is_notarised(self, event: Event) -> bool:
        """Whether the notary has signed an event: only then has the governor said it.

        Raises:
            NotaryKeyMissing: It cannot be checked here.
        """
        return is_signed(event, notary_keys(self.settings.notary_keys, self.settings.keys_dir))


@contextmanager
def session(ctx: typer.Context, data_dir: Path) -> Iterator[Session]:
    """Open the connection of a command; what the caller of the command line passed as `obj` comes first."""
    opened = Session(settings_of(data_dir), ctx.obj if ctx.obj is not None else None)
    try:
        yield opened
    finally:
        opened.logs.close()
