"""Commands of the governor."""

from collections.abc import Callable

import pytest

from homeostat.core import Event, Identity, Position
from homeostat.core.identity import emit_id
from homeostat.events import Command

SOURCE = "/homeostat/governor/homeostat.governance/topic/0"


@pytest.fixture
def command_event() -> Callable[..., Event]:
    """A command as the governor emits it on the record at `offset`."""

    def event(data: Command, offset: int = 7) -> Event:
        return Event(
            id=emit_id(offset),
            source=SOURCE,
            type=data.TYPE,
            subject=str(data.model),
            time=1_000,
            data=data,
            position=Position("homeostat.policy.rollout", "t", 0, offset),
            story=Identity("story"),
            emitter="",
        )

    return event
