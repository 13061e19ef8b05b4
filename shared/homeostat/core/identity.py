"""How events are named: identity, the id and sequence of what a fold emits, and the scope of a subject."""

from typing import Final, NewType

from homeostat.core.errors import Reject

Identity = NewType("Identity", str)
"""`<ce_source>#<ce_id>`: unique over all events; what `causationid` and `correlationid` hold."""

_OFFSET_DIGITS: Final = 16
_ORDINAL_DIGITS: Final = 4
"""What has more digits would not be in order as text."""


def identity(source: str, id_: str) -> Identity:
    """Join the two CloudEvents attributes that together name an event."""
    return Identity(f"{source}#{id_}")


def emit_id(offset: int, ordinal: int = 0) -> str:
    """Return the `ce_id` of the `ordinal`-th output (from 0) of the input at `offset`."""
    return f"{offset}.{ordinal}"


def sequence(offset: int, ordinal: int = 0) -> str:
    """Return the `ce_sequence` of the same output: its id, zero-padded, so that text order is log order.

    Only sequences of one `source` compare: a log that was made again counts from 0 under another source.
    """
    return f"{offset:016d}.{ordinal:04d}"


def sequence_of(id_: str) -> str:
    """Return the `ce_sequence` that belongs to a `ce_id` of an internal log.

    Raises:
        Reject: `id_invalid`: the id is not `<offset>.<ordinal>`, so no fold has emitted it.
    """
    offset, _, ordinal = id_.partition(".")
    is_emitted = (
        f"{offset}{ordinal}".isascii()  # other scripts have decimal digits too
        and offset.isdecimal()
        and ordinal.isdecimal()
        and len(offset) <= _OFFSET_DIGITS
        and len(ordinal) <= _ORDINAL_DIGITS
    )
    if not is_emitted:
        raise Reject("id_invalid", f"an emitted event has the id <offset>.<ordinal>, not {id_[:100]!r}")
    return sequence(int(offset), int(ordinal))


def scope_of(subject: str) -> str:
    """Return the scope of `scope/model` or `scope/family`; a scope or `*` is its own."""
    return subject.partition("/")[0]


def family_subject(model: str, family: str) -> str:
    """Return the subject `scope/family` of the family that a model, `scope/model`, belongs to."""
    return f"{scope_of(model)}/{family}"
