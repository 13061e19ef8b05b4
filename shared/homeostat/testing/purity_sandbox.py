"""A room without clock, chance, environment and I/O: what touches them says so."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NoReturn
from unittest.mock import patch

import numpy as np

_NAMES: Final = (
    *(f"time.{name}{unit}" for name in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")),
    "time.sleep",
    *(
        f"random.{name}"
        for name in ("random", "randint", "randrange", "choice", "choices", "shuffle", "sample", "uniform", "gauss")
    ),
    *(
        f"numpy.random.{name}"
        for name in ("random", "rand", "randn", "randint", "normal", "uniform", "choice", "shuffle", "permutation")
    ),
    "uuid.uuid1",
    "uuid.uuid4",
    "secrets.token_bytes",
    "secrets.token_hex",
    "os.urandom",
    "os.getenv",
    "builtins.open",
    "socket.socket.connect",
)


class ImpureError(AssertionError):
    """A fold reached for something that is not in its log.

    Args:
        name: What it called.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"a fold must not use {name}: time is event.time, chance is homeostat.stats.keyed_rng")
        self.name = name


def _refuse(name: str) -> Callable[..., NoReturn]:
    def refused(*_: object, **__: object) -> NoReturn:
        raise ImpureError(name)

    return refused


def _seeded(seed: Any = None) -> np.random.Generator:
    if seed is None:
        raise ImpureError("numpy.random.default_rng without a seed")
    return np.random.Generator(np.random.PCG64(seed))


@contextmanager
def sealed() -> Iterator[None]:
    """Make clock, unseeded chance, environment, files and sockets raise `ImpureError` in this process.

    What was bound by `from time import time` before is not seen: import rules and the linter are.
    """
    with ExitStack() as stack:
        for name in _NAMES:
            stack.enter_context(patch(name, _refuse(name)))
        stack.enter_context(patch("numpy.random.default_rng", _seeded))
        stack.enter_context(patch.object(type(os.environ), "__getitem__", _refuse("os.environ")))
        yield
