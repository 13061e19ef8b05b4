"""The keys of the system's own services: what signs commands and reports, and its place in the keyring."""

from pathlib import Path
from typing import Final

from homeostat.audit.keys import Key, KeyMissing, create, load, public_keys, publish
from homeostat.audit.roles import NOTARY, OPERATOR, OPERATOR_ROLES
from homeostat.audit.secret_file import ensure_secret
from homeostat.client.client import Client
from homeostat.events import KeyRegistered, ScopeConfigured
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY
from homeostat.events.requests import ACT, MODE, OBSERVE
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.registry import signer_roles
from homeostat.runtime.sealing import KEY_FILE, load_keys, make_key
from homeostat.runtime.settings import SALT_FILE, HostSettings

ENROLLED: Final = "keys.enrolled"
"""File in the data folder: which log knows which of our keys."""


def ensure_key(folder: Path, name: str) -> Key:
    """Load a key, or make it; its public half is there afterwards.

    Raises:
        KeyUnusable: The file is not a key that may be used.
    """
    try:
        key = load(folder, name)
    except KeyMissing:
        return create(folder, name)
    publish(folder, key)
    return key


def make_secrets(folder: Path, token_file: Path) -> tuple[Key, Key]:
    """Return the notary's and the operator's key; make what is missing of all secrets of a stack.

    Args:
        folder: Of the keys.
        token_file: Of what lets a model server be set.

    Raises:
        KeyUnusable: A file is not a key that may be used; so too of the other secrets.
    """
    made = {name: ensure_key(folder, name) for name in (*signer_roles(), OPERATOR)}
    make_key(folder / KEY_FILE)
    ensure_secret(folder / SALT_FILE)
    load_keys(folder / KEY_FILE, is_required=True)
    ensure_secret(token_file)
    return made[NOTARY], made[OPERATOR]


def registration(folder: Path, name: str) -> KeyRegistered:
    """What makes the present key of a service known; reads its public half only.

    Raises:
        KeyMissing: There is none.
        KeyUnusable: The file is not a public key.
    """
    id_, public = next(iter(public_keys(folder, name).items()))  # the present one comes first
    return KeyRegistered(key=id_, public_key=public, principal=name, roles=(signer_roles()[name],))


def enrol(data_dir: Path, settings: HostSettings, mode: str = ACT) -> None:
    """Put our keys into the keyring: the operator's first, as its root, who signs for the services.

    Repeating it changes nothing: a key that is known stays what it is. Where somebody else is the root already, the
    governor refuses it, and `homeostat keys services --by ADMIN` does it.

    Args:
        data_dir: Folder of a stack, with all keys in `keys`.
        settings: Its broker; there are topics, and nobody has to read them yet.
        mode: Of scopes that the law says nothing else of, the first time: `observe` or `act`.
    """
    folder = data_dir / "keys"
    operator, services = load(folder, OPERATOR), [registration(folder, name) for name in signer_roles()]
    cluster = Cluster(settings)
    cluster.load()
    mark = data_dir / ENROLLED
    known = "\n".join((cluster.topic_id(GOVERNANCE), operator.key_id, *(each.key for each in services)))
    if mark.exists() and mark.read_text() == known:
        return
    root = KeyRegistered(
        key=operator.key_id, public_key=operator.public_key_hex, principal=operator.name, roles=OPERATOR_ROLES
    )
    with Client(source="/homeostat/up", settings=settings, key=operator) as client:
        for request in (root, *services):
            client.request(request, GOVERNANCE_KEY)
        if mode == OBSERVE and not mark.exists():
            client.request(ScopeConfigured(scope=GOVERNANCE_KEY, settings={MODE: mode}), GOVERNANCE_KEY)
    mark.write_text(known)
