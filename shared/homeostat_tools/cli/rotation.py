"""A new key takes the place of an old one in the keyring."""

from typing import Final

from homeostat.audit.keys import Key
from homeostat.events import KeyRegistered, KeyRevoked
from homeostat.events.logs import GOVERNANCE_KEY
from homeostat.events.policy_state import PolicyState
from homeostat_tools.cli.connection import Session
from homeostat_tools.cli.exit_codes import usage
from homeostat_tools.cli.requests import send

_SERVICES: Final = ("notary@", "auditor@", "hand:")
"""Beginnings of what is granted to services: a role, and where."""


def is_service(law: PolicyState, key: Key) -> bool:
    """Whether a key is a service's, which goes on signing with it until it is started again."""
    granted = law.roles.get(law.keys.get(key.key_id, ""), ())
    return any(role.startswith(_SERVICES) for role in granted) and "admin@*" not in granted


def check_admin(law: PolicyState, signer: Key) -> None:
    """See that a key may change the keyring, before anything is changed on disk.

    Raises:
        CommandFailed: `USAGE`: it may not; the message names who may.
    """
    if "admin@*" in law.roles.get(law.keys.get(signer.key_id, ""), ()):
        return
    admins = sorted(name for name, granted in law.roles.items() if "admin@*" in granted)
    raise usage(f"{signer.name} may not change the keyring: add --by NAME with the key of one of {', '.join(admins)}")


def announce(
    opened: Session, old: Key, new: Key, signer: Key | None, timeout: float, *, is_revoked: bool = True
) -> None:
    """Register the new key, signed by an admin's or the old one, then revoke the old one.

    Args:
        opened: Of the command.
        old: Key that was replaced.
        new: In its place.
        signer: An admin's; without one the old key speaks for its principal.
        timeout: Seconds for each answer.
        is_revoked: Revoke the old one. That of a service stays: its process signs with it until it is started again,
            and what it has signed stays signed.

    Raises:
        CommandFailed: The governor refused, or has not answered. The new key is on disk already; register it with
            `homeostat keys register NAME --by ADMIN`.
    """
    registered = KeyRegistered(key=new.key_id, public_key=new.public_key_hex, principal=new.name)
    send(opened, registered, GOVERNANCE_KEY, signer or old, None, timeout)
    if is_revoked:
        revoked = KeyRevoked(key=old.key_id, reason="rotated")
        send(opened, revoked, GOVERNANCE_KEY, signer or new, None, timeout)
