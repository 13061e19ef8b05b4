"""Whose signature counts: the keyring of the logs, and the notary's keys of this machine."""

from collections.abc import Sequence

from homeostat.audit.keyring import Keyring, Registered, held_requests, read_keyring, refused_offsets
from homeostat.audit.keys import KeyMissing, public_keys
from homeostat.audit.roles import NOTARY
from homeostat.audit.signing import key_id
from homeostat.client.logs import Logs
from homeostat.events.logs import GOVERNANCE, QUARANTINE, VERDICTS
from homeostat_tools.cli.connection import Session
from homeostat_tools.cli.exit_codes import usage


def keyring_of(logs: Logs) -> tuple[Keyring, set[int]]:
    """Return the keyring that governance tells, and the offsets that the governor refused there."""
    present = set(logs.topics())
    refused = refused_offsets(logs.read([QUARANTINE])) if QUARANTINE in present else set[int]()
    held = held_requests(logs.read([VERDICTS])) if VERDICTS in present else set[str]()
    return read_keyring(logs.read([GOVERNANCE]) if GOVERNANCE in present else (), refused, held), refused


def known_notaries(opened: Session, keyring: Keyring, given: Sequence[str] = ()) -> dict[str, Registered]:
    """Return the keys that may sign verdicts, commands and checkpoints, by id.

    Args:
        opened: Of the command.
        keyring: Its notaries count, with those of before a rotation.
        given: Public keys in hex: then these count and no others.

    Raises:
        CommandFailed: `USAGE`: what was given is no key.
        KeyMissing: Neither this machine nor the keyring has any.
    """
    try:
        chosen = {key_id(bytes.fromhex(each)): each.lower() for each in given}
    except ValueError:
        raise usage("--public-key is 64 hex digits, as `homeostat keys show` prints them") from None
    known = keyring.with_role("notary") | keyring.with_role("auditor")
    if chosen:
        return {id_: known.get(id_, Registered(public, NOTARY)) for id_, public in chosen.items()}
    try:
        own = public_keys(opened.settings.keys_dir, NOTARY)
    except KeyMissing:
        if not known:
            raise
        return known
    return {id_: Registered(public, NOTARY) for id_, public in own.items()} | known
