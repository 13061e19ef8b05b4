"""Hands of a small system: their keys are in its keyring, and what they report is signed."""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.roles import OPERATOR, OPERATOR_ROLES, SERVICE_ROLES
from homeostat.audit.signing import key_id
from homeostat.codec import encode_payload
from homeostat.core import Payload
from homeostat.events import ActionRequested, KeyRegistered, Request
from homeostat.events.logs import GOVERNANCE_KEY, REPORTS, REQUESTS
from homeostat.runtime.memory import MemoryLog

_VALID_MS: Final = 3_600_000


def key_of(name: str) -> Key:
    """The key of a name, the same in every run: histories are recorded with it. Never use one outside tests."""
    private = Ed25519PrivateKey.from_private_bytes(sha256(f"homeostat.testing/{name}".encode()).digest())
    public = private.public_key().public_bytes_raw()
    return Key(name, key_id(public), public.hex(), private)


def registration(key: Key, *roles: str) -> KeyRegistered:
    """What makes a key known under its name."""
    return KeyRegistered(key=key.key_id, public_key=key.public_key_hex, principal=key.name, roles=roles)


class Enrolled:
    """Speaks to a log in memory as the operator and the hands of a system do.

    Args:
        log: Its log.
        operator: Root of the keyring.
    """

    def __init__(self, log: MemoryLog, operator: Key | None = None) -> None:
        self.log, self.operator = log, operator or key_of(OPERATOR)
        self.hands = {name: key_of(name) for name in SERVICE_ROLES}
        self._n = 0

    def enrol(self) -> None:
        """Register the operator, who registers the services."""
        self.request(registration(self.operator, *OPERATOR_ROLES), GOVERNANCE_KEY)
        for name, role in SERVICE_ROLES.items():
            self.request(registration(self.hands[name], role), GOVERNANCE_KEY)

    def request(self, data: Payload, subject: str, key: Key | None = None, id_: str = "", source: str = "/cli") -> None:
        """Ask for something, signed by the operator or somebody else.

        Args:
            data: What is asked; gets an hour to count if it does not say until when.
            subject: Key.
            key: Who signs; nobody named: the operator.
            id_: Of the event; empty: the next one.
            source: Of the event.
        """
        if isinstance(data, Request | ActionRequested) and data.valid_until is None:
            data = data.model_copy(update={"valid_until": self.log.now + _VALID_MS})
        self._publish(REQUESTS, subject, data, key or self.operator, id_ or self._next(), source)

    def report(self, data: Payload, subject: str, hand: str, command: str, stage: str) -> None:
        """Report on a command, as a hand does.

        Args:
            data: The report.
            subject: Its key: the target.
            hand: Service that signs.
            command: Identity of the command.
            stage: As in `core.Report`.
        """
        self._publish(REPORTS, subject, data, self.hands[hand], f"{command}#{stage}", f"/homeostat/hand/{hand}")

    def _next(self) -> str:
        self._n += 1
        return f"asked-{self._n}"

    def _publish(self, log: str, subject: str, data: Payload, key: Key, id_: str, source: str) -> None:
        signed = key.headers(data.TYPE, subject, source, id_, encode_payload(data)[0])
        headers = [*signed, ("public-key", key.public_key_hex.encode())]
        self.log.publish(log, subject, data, id_=id_, source=source, headers=headers)
