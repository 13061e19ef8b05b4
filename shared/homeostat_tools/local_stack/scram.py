"""Users of the embedded broker: a name, a password in a file of mode 600, and rights (`access`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from homeostat.audit.secret_file import ensure_secret
from homeostat.client.address import USERS
from homeostat.runtime.librdkafka import PREFIX
from homeostat_tools.local_stack.errors import KafkaUnavailable

BROKER: Final = "broker"
ADMIN: Final = "admin"
"""Superusers: the broker itself, and `homeostat up`. All others have rights by `access` only."""

MECHANISM: Final = "SCRAM-SHA-512"
LISTENER: Final = "SASL_PLAINTEXT"
_ITERATIONS: Final = 4096
"""Kafka's least; a password here has 256 random bits, which nobody guesses."""

_SECONDS: Final = 30.0
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


class ScramUsers:
    """Passwords of a broker's users; each is made when it is first asked for.

    Args:
        data_dir: They lie in `<data_dir>/users/<name>.password`.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder: Final = data_dir / USERS

    def password(self, name: str) -> str:
        """The password of a user.

        Raises:
            SecretUnusable: The file is open to others, or is none.
        """
        return ensure_secret(self.folder / f"{name}.password")

    def properties(self, name: str) -> dict[str, str]:
        """What librdkafka needs to come as this user."""
        return {
            "security.protocol": "sasl_plaintext",
            "sasl.mechanism": MECHANISM,
            "sasl.username": name,
            "sasl.password": self.password(name),
        }

    def environment(self, name: str) -> dict[str, str]:
        """The same as variables of a service."""
        return {
            f"{PREFIX}{setting.upper().replace('.', '_')}": value for setting, value in self.properties(name).items()
        }

    def broker_settings(self) -> dict[str, str]:
        """Settings of a broker that lets users in only, on the listener of the controller too, and grants nothing."""
        login = f'{_LOGIN} required username="{BROKER}" password="{self.password(BROKER)}";'
        name = MECHANISM.lower()
        return {
            "listener.security.protocol.map": f"{LISTENER}:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "inter.broker.listener.name": LISTENER,
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "sasl.mechanism.controller.protocol": MECHANISM,
            f"listener.name.{LISTENER.lower()}.{name}.sasl.jaas.config": login,
            f"listener.name.controller.{name}.sasl.jaas.config": login,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{BROKER};User:{ADMIN}",
            "allow.everyone.if.no.acl.found": "false",
        }

    def format_arguments(self) -> list[str]:
        """Arguments that make the superusers while the data folder is made: nobody can log in before."""
        arguments = []
        for name in (BROKER, ADMIN):
            arguments += ["--add-scram", f"{MECHANISM}=[name={name},password={self.password(name)}]"]
        return arguments


def ensure_users(client: Mapping[str, Any], users: ScramUsers, names: list[str]) -> None:
    """Make users with the passwords of their files, or give them these.

    Args:
        client: Settings of librdkafka, of a superuser.
        users: Passwords.
        names: Whose.

    Raises:
        KafkaUnavailable: The broker does not answer, or refuses.
    """
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, info, users.password(name).encode()) for name in names
    ]
    try:
        admin = AdminClient({**client, "log_level": 0})
        for done in admin.alter_user_scram_credentials(wanted, request_timeout=_SECONDS).values():
            done.result()
    except KafkaException as error:
        raise KafkaUnavailable(
            f"The users of the broker could not be made: {error.args[0].str()}.",
            f"The password of {ADMIN} in {users.folder} must be the one the data were made with.",
        ) from error
