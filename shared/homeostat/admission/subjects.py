"""What a record may be about: the key decides the scope, and the payload may not name another one."""

from functools import lru_cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from homeostat.admission.screening import check_name
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events.base import Name, Subject
from homeostat.events.logs import GOVERNANCE_KEY

_name: Final = TypeAdapter[str](Name)
_subject: Final = TypeAdapter[str](Subject)


@lru_cache(maxsize=4096)  # a model sends event after event
def check_pair(subject: str, what: str) -> None:
    """Take a key of the form scope/model or scope/family, without personal data in it.

    Raises:
        Reject: `subject_invalid`, `personal_data`.
    """
    try:
        _subject.validate_python(subject)
    except ValidationError:
        raise Reject("subject_invalid", f"the key is {what}: letters, digits, _ . - on both sides of one /") from None
    check_name("the key", subject)


def check_scope(subject: str) -> None:
    """Take a key that is a scope, or `*` for the organisation.

    Raises:
        Reject: `subject_invalid`, `personal_data`.
    """
    if subject == GOVERNANCE_KEY:
        return
    try:
        _name.validate_python(subject)
    except ValidationError:
        raise Reject("subject_invalid", "the key of a request is a scope (letters, digits, _ . -), or *") from None
    check_name("the key", subject)


def check_same_scope(subject: str, *named: str | None) -> None:
    """Let a payload name only subjects and scopes inside the key's scope; `*` may name all.

    Raises:
        Reject: `scope_mismatch`.
    """
    scope = scope_of(subject)
    if scope == GOVERNANCE_KEY:
        return
    for other in named:
        if other is not None and scope_of(other) != scope:
            raise Reject("scope_mismatch", f"the key is of scope {scope!r}, the payload speaks of {other!r}")
