"""Who reads one event through the detector seldom comes back to a module: what belongs together is done together."""

import sys
from types import FrameType
from typing import Any, Final

import pytest
from tests.unit.drift_detector.stream import MODEL, Stream, event_of

from homeostat.core import Payload
from homeostat.services.drift_detector.fold import DriftDetector

PACKAGE: Final = "homeostat.services.drift_detector."
MOST_RETURNS: Final = 16
"""A third of what it was when state was a bag of fields: 48 with the shift of this test."""

_WARM: Final = 10


def n_returns(modules: list[str]) -> int:
    """How often a call enters a module that was left before; calls within a module one after the other are one stay."""
    stays = [module for at, module in enumerate(modules) if not at or module != modules[at - 1]]
    return len(stays) - len(set(stays))


def walks(payloads: list[Payload]) -> list[int]:
    """Returns in each step of a history; frames of other packages are passed over."""
    fold, modules, found = DriftDetector(), list[str](), list[int]()

    def follow(frame: FrameType, what: str, _: Any) -> None:
        name = frame.f_globals.get("__name__", "")
        if what == "call" and name.startswith(PACKAGE):
            modules.append(name)

    state, before = fold.initial(MODEL), sys.getprofile()
    for offset, data in enumerate(payloads):
        event = event_of(data, offset)
        modules.clear()
        sys.setprofile(follow)
        try:
            state, _ = fold.step(state, event)
        finally:
            sys.setprofile(before)
        found.append(n_returns(modules))
    return found


def shifted() -> list[Payload]:
    """Inputs that move at once."""
    return [*Stream(1).quiet(40), Stream(2).samples(0.05, [3.0])]


def wrong() -> list[Payload]:
    """Errors that rise."""
    stream = Stream(3)
    return [*stream.quiet(60), *(stream.samples(0.6) for _ in range(30))]


@pytest.mark.parametrize("history", [shifted, wrong])
def test_an_event_is_read_without_going_back_and_forth(history: Any) -> None:
    """In the worst event of a history, once the model's monitors are laid out."""
    assert max(walks(history())[_WARM:]) <= MOST_RETURNS
