"""What is found among emits."""

from collections.abc import Sequence
from typing import TypeVar

from homeostat.core import Emit
from homeostat.events import (
    Data,
)

D = TypeVar("D", bound=Data)


def data_of(emits: Sequence[Emit], type_: type[D]) -> list[D]:
    """Payloads of a type."""
    return [emit.data for emit in emits if isinstance(emit.data, type_)]


def one(emits: Sequence[Emit], type_: type[D]) -> D:
    """The only payload of a type."""
    found = data_of(emits, type_)
    assert len(found) == 1, [emit.data for emit in emits]
    return found[0]
