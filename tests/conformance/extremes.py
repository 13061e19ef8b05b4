"""Payloads of the doors with the largest and smallest values that their types admit, found by walking the types."""

import types
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from homeostat.events.base import Digest, Frozen, MaybeName, Name, Scope, Subject
from homeostat.events.costs import Currency
from homeostat.events.registration import Versions
from homeostat.events.requests import Role

TINY: Final = (5e-324, 1e-200)
"""What vanishes when it is squared."""

_TEXT: Final = "\U000e0001"
"""Cannot be printed, and takes the most bytes."""

_LONG: Final = 1500
_WIDTH: Final = 3
"""Entries of a list or an object that may have any number of them."""

NAMES: Final[dict[str, tuple[Any, ...]]] = {
    str(get_args(Name)[1].pattern): ("v0", "v1", "n" * 128),
    str(get_args(MaybeName)[1].pattern): ("", "v0", "n" * 128),
    str(get_args(Currency)[1].pattern): ("EUR", "USD"),
    str(get_args(Scope)[1].pattern): ("*", "team", "n" * 128),
    str(get_args(Frozen)[1].pattern): ("*", "team", "team/model", "n" * 128),
    str(get_args(Subject)[1].pattern): ("team/model", "team/family"),
    str(get_args(Role)[1].pattern): ("operator", "hand:rollout_actuator"),
    str(get_args(Versions)[1].pattern): ("v0", "v1", "v*", "n" * 128),
    str(get_args(Digest)[1].pattern): ("0" * 64, "f" * 64),
}
"""Texts by their pattern."""


class NoBound(AssertionError):
    """A number may be as large as it likes."""


@cache
def extremes(model: type[BaseModel]) -> dict[str, list[Any]]:
    """The extreme values of each field that a sender may fill in, a usual one first."""
    found = {}
    for name, field in model.model_fields.items():
        if name != "provenance":
            try:
                found[name] = _values(field.annotation, list(field.metadata))
            except NoBound as missing:
                raise NoBound(f"{model.__name__}.{name}: {missing}") from None
    return found


def _values(type_: Any, metadata: list[Any]) -> list[Any]:
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return _values(arguments[0], [*_flat(arguments[1:]), *metadata])
    if origin is Literal:
        return list(arguments)
    if origin in (Union, types.UnionType):
        return [value for member in arguments for value in _values(member, metadata)]
    if origin is tuple and Ellipsis not in arguments:
        return [tuple(_values(member, [])[place] for member in arguments) for place in (0, -1)]
    if origin in (tuple, list):
        return _lists(_values(arguments[0], []), metadata)
    if origin is dict:
        keys, values = _values(arguments[0], []), _values(arguments[1], [])
        return [{}, *(dict.fromkeys(keys[:_WIDTH], value) for value in values)]
    return _plain(type_, metadata)


def _plain(type_: Any, metadata: list[Any]) -> list[Any]:
    if type_ is type(None):
        return [None]
    if type_ is bool:
        return [False, True]
    if type_ is str:
        return _texts(metadata)
    if type_ in (int, float):
        return list(_numbers(type_, tuple(metadata)))
    assert issubclass(type_, BaseModel), type_
    every = extremes(type_)
    return [
        {name: values[min(place, len(values) - 1)] for name, values in every.items()}
        for place in range(max(map(len, every.values())))
    ]


def _flat(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else (item,)


@cache
def _numbers(type_: type, metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    lows: list[Any] = [m.ge for m in metadata if isinstance(m, Ge)]
    highs: list[Any] = [m.le for m in metadata if isinstance(m, Le)]
    if not lows or not highs:
        raise NoBound(f"{type_.__name__} with {metadata or 'no bounds'}")
    low, high = max(lows), min(highs)
    usual = [1, 0] if type_ is int else [1.0, 0.5, 0.0, 1e-9, *TINY, *(-tiny for tiny in TINY)]
    check: TypeAdapter[Any] = TypeAdapter(Annotated.__class_getitem__((type_, *metadata)))  # type: ignore[attr-defined]
    return tuple(dict.fromkeys(value for value in (*usual, low, high) if _is_admitted(check, value)))


def _is_admitted(check: TypeAdapter[Any], value: Any) -> bool:
    try:
        check.validate_python(value)
    except ValidationError:
        return False
    return True


def _texts(metadata: list[Any]) -> list[str]:
    for item in metadata:
        if isinstance(item, StringConstraints) and item.pattern:
            return list(NAMES[str(item.pattern)])
        if isinstance(item, StringConstraints) and item.max_length:
            return ["", "a", _TEXT * item.max_length]
    return ["", "a", _TEXT * _LONG]


def _lists(items: list[Any], metadata: list[Any]) -> list[Any]:
    least = next((m.min_length for m in metadata if isinstance(m, MinLen)), 0)
    most = min(next((m.max_length for m in metadata if isinstance(m, MaxLen)), _WIDTH), 65)
    every = [tuple(items[place : place + 1]) * max(least, 1) for place in range(len(items))]
    return [*every, *([()] if not least else []), tuple(islice(items * most, most))]
