"""A state is read as what it was, or refused: nothing of it is dropped without a word."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.codec import encode_state
from homeostat.codec.state import StateInvalid, decode_state


@dataclass
class Inner:
    keys: dict[str, int] = field(default_factory=dict)
    last: float = float("nan")


@dataclass
class Old:
    inner: Inner = field(default_factory=Inner)
    counts: list[float] = field(default_factory=list)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


@dataclass
class Wider:
    """Of a later version, with one field more."""

    inner: Inner = field(default_factory=Inner)
    counts: list[float] = field(default_factory=list)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    n: int = 7


@dataclass
class Moved:
    """Of a later version that keeps its counts elsewhere."""

    inner: Inner = field(default_factory=Inner)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


@dataclass
class InnerMoved:
    last: float = 0.0


@dataclass
class DeepMoved:
    inner: InnerMoved = field(default_factory=InnerMoved)
    counts: list[float] = field(default_factory=list)
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


RAW = encode_state(Old(Inner({"a": 1}), [0, 1], np.array([1.0, 2.0])))


def test_a_state_comes_back() -> None:
    """Numbers that are whole, and such as are none, too."""
    back = decode_state(RAW, Old)

    assert (back.inner.keys, back.counts, back.values.tolist()) == ({"a": 1}, [0, 1], [1.0, 2.0])


def test_a_field_that_came_later_has_its_default() -> None:
    """A version that knows more takes over."""
    assert decode_state(RAW, Wider).n == 7


@pytest.mark.parametrize(("type_", "where"), [(Moved, "counts"), (DeepMoved, "inner.keys")])
def test_a_field_that_is_gone_is_no_empty_state(type_: type[object], where: str) -> None:
    """A governor without its keys would believe whoever comes first."""
    with pytest.raises(StateInvalid, match=f"no place for {where}"):
        decode_state(RAW, type_)
