"""A new key takes the place of an old one in the keyring."""

from homeostat.audit.keys import Key
from homeostat.cli.answers import Answers
from homeostat.cli.connection import SOURCE, Session
from homeostat.client.client import Client
from homeostat.events import Data, KeyRegistered, KeyRevoked
from homeostat.events.logs import GOVERNANCE_KEY


def announce(opened: Session, old: Key, new: Key, signer: Key | None, timeout: float) -> None:
    """Register the new key, signed by an admin's or the old one, then revoke the old one.

    Raises:
        CommandFailed: The governor refused: the signer is no admin. The new key is on disk already; register it
            with `homeostat keys register NAME --by ADMIN`.
    """
    registered = KeyRegistered(key=new.key_id, public_key=new.public_key_hex, principal=new.name)
    _say(opened, registered, signer or old, timeout)
    _say(opened, KeyRevoked(key=old.key_id, reason="rotated"), signer or new, timeout)


def _say(opened: Session, data: Data, key: Key, timeout: float) -> None:
    client = Client(source=SOURCE, settings=opened.settings, logs=opened.logs, key=key)
    answers = Answers(opened.logs)
    request = client.request(data, GOVERNANCE_KEY)
    client.flush()
    answers.wait(request, None, timeout)
