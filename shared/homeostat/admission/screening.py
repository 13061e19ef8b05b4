"""Personal data in what is admitted: names that become keys are refused, texts get a salted digest in its place."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from homeostat.admission.personal import find, holds, redacted, rows_of
from homeostat.core import Reject
from homeostat.events import Data, FreezeLifted, FreezeSet, Labels, Samples

D = TypeVar("D", bound=Data)
C = TypeVar("C", bound=Samples | Labels)
Digest = Callable[[str], str]

FREEZES: Final = (FreezeSet, FreezeLifted)
"""Never refused for their words: who pulls the brake is not sent away."""

_REASON: Final = "personal_data"
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,127}")
_LONGEST: Final = 2000
"""Characters of a text; a digest may be longer than what it stands for."""


@lru_cache(maxsize=4096)
def check_name(what: str, name: str) -> None:
    """Take a name without personal data in it: it becomes a key, and keys are kept for ever.

    Raises:
        Reject: `personal_data`.
    """
    if kind := holds(name, "name"):
        raise Reject(_REASON, f"{what} has the form of {kind}: give it another name")


def check_ids(source: str, id_: str, story: str) -> None:
    """Take an identity without personal data in it: it is quoted wherever the event is.

    Args:
        source: Of the event.
        id_: Of the event.
        story: Correlation id that it claims.

    Raises:
        Reject: `personal_data`.
    """
    text = f"{source}\n{id_}\n{story}"
    if holds(text, "id") is not None:
        found = find(text, "id")
        name = ("ce_source", "ce_id", "ce_correlationid")[min(text.count("\n", 0, found[0].start), 2)]
        raise Reject(_REASON, f"{name} has the form of {found[0].kind}: it names the event wherever it goes")


def screened_rows(
    columns: C, on_personal: Literal["refuse", "redact"], request_id: Digest
) -> tuple[C, tuple[str, ...]]:
    """Refuse or replace request ids that hold personal data.

    Args:
        columns: Samples, or labels.
        on_personal: As the contract says.
        request_id: The id that stands for one.

    Returns:
        The columns, and what was redacted by which rule.

    Raises:
        Reject: `personal_data`.
    """
    rows = rows_of(columns.request)
    if not rows:
        return columns, ()
    if on_personal == "refuse":
        row, kind = next(iter(sorted(rows.items())))
        raise Reject(_REASON, f"request, row {row}: has the form of {kind}; {len(rows)} ids have: send digests of them")
    requests = list(columns.request)
    for row in rows:
        requests[row] = request_id(requests[row])
    notes = tuple(f"request: {kind}" for kind in sorted(set(rows.values())))
    return msgspec.structs.replace(columns, request=requests), notes


def screened(data: D, digest: Digest) -> tuple[D, tuple[str, ...]]:
    """Redact the texts of a payload; a name cannot be redacted.

    Args:
        data: Not modified.
        digest: Salted digest of a piece.

    Returns:
        The payload, and what was redacted by which rule.

    Raises:
        Reject: `personal_data`.
    """
    if holds("\n".join(_strings(data))) is None:
        return data, ()
    notes = dict[str, None]()
    content = _redacted(data.model_dump(), "", digest, notes)
    try:
        return type(data).model_validate(content), tuple(notes)
    except ValidationError:  # it stands where only a name, or an id, may stand
        where = next(iter(notes))
        raise Reject(_REASON, f"{where}: a name cannot be redacted, give it another one") from None


def without_personal(data: D) -> D:
    """Return a payload of ours without personal data in its texts, digests neither: a hand has no salt.

    Args:
        data: Not modified. One that has a personal name stays as it is: a report is a fact, and must arrive.
    """
    try:
        return screened(data, lambda _: "")[0]
    except Reject:
        return data


def check_texts(data: Data) -> None:
    """Take a payload that is signed by a person: it is kept as it was signed, so nothing in it can be redacted.

    Raises:
        Reject: `personal_data`; not of a freeze.
    """
    if isinstance(data, FREEZES):
        return
    _, notes = screened(data, lambda _: "")
    if notes:
        raise Reject(_REASON, f"{notes[0]}: what is signed cannot be redacted, so leave it out")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for item in value.__dict__.values():
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _redacted(value: Any, path: str, digest: Digest, notes: dict[str, None]) -> Any:
    """The same value with digests in its texts; names of fields that hold such go to `notes`."""
    if isinstance(value, str):
        text, kinds = redacted(value, digest, "name" if _NAME.fullmatch(value) else "text")
        notes.update(dict.fromkeys(f"{path}: {kind}" for kind in kinds))
        return text if len(text) <= max(_LONGEST, len(value)) else text[: max(_LONGEST, len(value))]
    if isinstance(value, dict):
        for key in value:
            check_name(f"{path or 'payload'}: a name in it", key)
        return {key: _redacted(item, f"{path}.{key}".lstrip("."), digest, notes) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_redacted(item, path, digest, notes) for item in value)
    return value
