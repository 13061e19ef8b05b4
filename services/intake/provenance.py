"""Where an admitted payload came from, with the proof if there is one."""

from base64 import b64encode
from typing import Any, TypeVar

import msgspec

from homeostat.audit.signing import signed_bytes
from homeostat.core import Event
from homeostat.events import Data, Labels, Provenance, Samples

D = TypeVar("D", bound=Data)
C = TypeVar("C", Samples, Labels)


def scope_of(subject: str) -> str:
    """`scope/model` -> `scope`; a scope or `*` is its own."""
    return subject.partition("/")[0]


def provenance_of(event: Event) -> Provenance:
    """Say who sent an event of a door; the signature is carried, not judged: the governor has the keyring."""
    if event.signature is None:
        return Provenance(scope_of(event.subject), event.source, event.id, event.key_id)
    signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
    return Provenance(
        scope_of(event.subject), event.source, event.id, event.key_id, event.signature, b64encode(signed).decode()
    )


def with_provenance(data: D, event: Event) -> D:
    """Return a copy of a payload that says where it came from."""
    return data.model_copy(update={"provenance": provenance_of(event)})


def columns_with_provenance(columns: C, event: Event, **changes: Any) -> C:
    """The same for columns, with other changes in one copy."""
    return msgspec.structs.replace(columns, provenance=provenance_of(event), **changes)
