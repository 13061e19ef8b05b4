"""A timeline, a command, and recipes that do what a test needs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.unit.retrain_actuator.training_driver import ROWS, Clock, FixedHistory, Recipe

from homeostat.artifacts import ArtifactStore, FolderStore
from homeostat.core import Event, Identity, Position
from homeostat.core.identity import emit_id
from homeostat.events import Arm, Labels, Plan, Range, RetrainStart, Samples
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import TIMELINE
from homeostat.services.retrain_actuator.hand import RetrainActuator
from homeostat.services.retrain_actuator.history import Rows
from homeostat.services.retrain_actuator.targets.inline import InlineLauncher

MODEL = "dock/camera-1"
INTAKE = "/homeostat/intake.telemetry/homeostat.telemetry/t/0"
WIDTH = 2


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def event() -> Callable[..., Event]:
    """An event of the timeline at an offset of the door's partition."""

    def make(data: Samples | Labels, offset: int, subject: str = MODEL, source: str = INTAKE) -> Event:
        return Event(
            id=emit_id(offset),
            source=source,
            type=data.TYPE,
            subject=subject,
            time=offset,
            data=data,
            position=Position(TIMELINE, "t", 0, offset),
            story=Identity("story"),
            emitter="",
        )

    return make


@pytest.fixture
def samples() -> Callable[..., Samples]:
    """Rows whose inputs are all captured: the input of request `i` is (i, i)."""

    def make(requests: Sequence[int], role: Role = "champion", label: Sequence[float | None] = ()) -> Samples:
        x = np.array([[request] * WIDTH for request in requests])
        return Samples(
            version="v",
            role=role,
            request=[str(request) for request in requests],
            time=pack([0.0] * len(requests)),
            features=[],
            values=b"",
            prediction=pack([0.0] * len(requests)),
            score=pack([0.5] * len(requests)),
            label=pack(list(label)) if label else b"",
            captured=list(range(len(requests))),
            inputs=pack(x, F4),
        )

    return make


@pytest.fixture
def labels() -> Callable[..., Labels]:
    """Late labels: that of request `i` is `i % 3`."""

    def make(requests: Sequence[int]) -> Labels:
        return Labels(
            request=[str(request) for request in requests],
            label=pack([float(request % 3) for request in requests]),
            time=pack([0.0] * len(requests)),
        )

    return make


@pytest.fixture
def window() -> Callable[[int, int], Range]:
    """A closed range of offsets of the door's partition."""

    def make(first: int, last: int) -> Range:
        return Range(
            log=TIMELINE, subject=MODEL, source=INTAKE, first=f"{first}.0", last=f"{last}.0", from_time=0, rows=0
        )

    return make


@pytest.fixture
def command(window: Callable[[int, int], Range]) -> Callable[..., Event]:
    """A retrain of arms by name."""

    def make(*arms: str | Arm, **changes: object) -> Event:
        fields: dict[str, object] = {
            "action": "/homeostat/meta_learner/x#1.0",
            "verdict": "v",
            "family": "dock/cameras",
            "model": MODEL,
            "expires_at": 10_000,
            "arms": tuple(Arm(name=arm) if isinstance(arm, str) else arm for arm in arms),
            "champion": "old",
            "window": window(1, 2),
            "plan": Plan(recipe="test"),
            "chosen": "skip",
        }
        data = RetrainStart.model_validate(fields | changes)
        return Event(
            id="3.0",
            source="/homeostat/governor/homeostat.governance/t/0",
            type=data.TYPE,
            subject=MODEL,
            time=0,
            data=data,
            position=Position("homeostat.policy.retrain", "t", 0, 3),
            story=Identity("story"),
            emitter="",
        )

    return make


@pytest.fixture
def recipe() -> Recipe:
    return Recipe()


@pytest.fixture
def hand(store: ArtifactStore, recipe: Recipe, tmp_path: Path) -> Callable[..., RetrainActuator]:
    def make(*answers: Rows | Exception) -> RetrainActuator:
        launcher = InlineLauncher({"test": recipe})
        return RetrainActuator(FixedHistory(*(answers or (ROWS,))), store, launcher, tmp_path / "jobs", clock=Clock())

    return make
