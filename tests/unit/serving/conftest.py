"""A broker in memory, a store, and models that serve."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.serving import MODEL, load, says

from homeostat.artifacts import ArtifactStore, FolderStore
from homeostat.client import Client
from homeostat.client.memory import MemoryLogs
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Served


@pytest.fixture
def log() -> MemoryLog:
    """A broker in memory."""
    return MemoryLog(partitions=1)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def make(log: MemoryLog, store: ArtifactStore) -> Iterator[Callable[..., Served]]:
    """Make served models; they end with the test."""
    made = []

    def make(predictor: Any = None, **changes: Any) -> Served:
        settings: dict[str, Any] = {"features": ("a", "b"), "classes": ("no", "yes"), "capture": 1.0} | changes
        client = settings.pop("client", None) or Client(source="/shop", logs=MemoryLogs(log))
        made.append(Served(MODEL, "v1", predictor or says("no"), load=load, client=client, store=store, **settings))
        return made[-1]

    yield make
    for served in made:
        served.close()
