"""Models that serve themselves, and what they have published."""

import pickle  # an artifact of anybody's own form
from collections.abc import Callable
from typing import Any

import numpy as np

from homeostat.artifacts import ArtifactStore
from homeostat.codec import decode_event
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Deployment

MODEL = "shop/ranker"
X = np.arange(80.0).reshape(40, 2)
IDS = [f"r{number}" for number in range(40)]


def says(name: str, score: float = 0.5) -> Callable[[Any], Any]:
    """A model with one opinion."""
    return lambda x: (np.full(len(x), name), np.full(len(x), score))


def load(content: bytes) -> Callable[[Any], Any]:
    """What the recipe of these tests has saved."""
    name = pickle.loads(content)
    return broken if name == "broken" else says(name)


def broken(x: Any) -> Any:
    """A candidate with a mistake in it."""
    raise ValueError("as any code may")


def told(log: MemoryLog, type_: type[Any]) -> list[Any]:
    """Payloads of a type at the door of telemetry."""
    events = [decode_event(record, time=0, emitter="", is_door=True) for record in log.all(TELEMETRY)]
    return [event.data for event in events if isinstance(event.data, type_)]


def canary(store: ArtifactStore, weight: float, sequence: str = "1.0") -> Deployment:
    """A canary that always says yes."""
    digest = store.put(pickle.dumps("yes"))
    return Deployment("/governor", sequence, "v1", "v2", weight, artifacts={"v2": digest})
