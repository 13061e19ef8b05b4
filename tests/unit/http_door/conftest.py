"""A door over a log in memory, and events to send through it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.client.event_builder import place
from homeostat.codec import Output, Record
from homeostat.events.logs import DOORS
from homeostat.runtime.memory import MemoryLog
from homeostat.services.http_door.access import Access
from homeostat.services.http_door.server import Door, create_app
from homeostat.services.http_door.settings import HttpDoorSettings

MODEL = {"family": "rankers", "champion": "v1"}
REGISTERED = "homeostat.model.registered.v1"


class MemorySink:
    """A sink over a log in memory, that fails or holds when it is told to."""

    def __init__(self) -> None:
        self.log = MemoryLog(partitions=4)
        self.n_unacknowledged, self.trouble = 0, ""
        self.failures: list[str] = []
        self.hold: asyncio.Event | None = None
        self.is_closed = False

    def start(self) -> None:
        """Nothing to connect to."""

    async def deliver(self, outputs: Sequence[Output]) -> list[str]:
        """Append at once, or once the hold is over."""
        self.n_unacknowledged += len(outputs)
        if self.hold is not None:
            await self.hold.wait()
        self.n_unacknowledged -= len(outputs)
        troubles = [self.failures.pop(0) if self.failures else "" for _ in outputs]
        for output, trouble in zip(outputs, troubles, strict=True):
            if not trouble:
                self.log.append(place(output, 4))
        return troubles

    async def close(self) -> None:
        """Remember it."""
        self.is_closed = True

    def records(self) -> list[Record]:
        """All that was written."""
        return [record for topic in DOORS for record in self.log.all(topic)]


def binary(**attributes: str) -> dict[str, str]:
    """Headers of a registration in binary mode."""
    given = {"specversion": "1.0", "id": "1", "source": "/ci", "type": REGISTERED, "subject": "shop/demand"}
    return {f"ce-{name}": text for name, text in (given | attributes).items() if text}


def structured(**attributes: Any) -> dict[str, Any]:
    """A registration in structured mode."""
    given = {"specversion": "1.0", "id": "1", "source": "/ci", "type": REGISTERED, "subject": "shop/demand"}
    return given | {"data": MODEL} | attributes


@pytest.fixture
def sink() -> MemorySink:
    """Where events go."""
    return MemorySink()


@pytest.fixture
def http(sink: MemorySink) -> Iterator[TestClient]:
    """A client of a door without tokens."""
    with client_of(sink) as client:
        yield client


def client_of(sink: MemorySink, access: Access | None = None, **settings: Any) -> TestClient:
    """A client of a door.

    Args:
        sink: Where events go.
        access: Who may say what; None: anybody.
        settings: Of the door.
    """
    door = Door(HttpDoorSettings(**settings), access or Access("127.0.0.1", None, None), sink)
    return TestClient(create_app(door, "0"), "http://127.0.0.1:8090", raise_server_exceptions=False)
