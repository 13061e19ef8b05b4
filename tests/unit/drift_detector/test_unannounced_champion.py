"""A champion that nobody announced is told to the governor once it alone answers, and no late row is taken for one."""

from typing import Any

import numpy as np
import pytest

from homeostat.core import Event, Identity, Position
from homeostat.core.identity import emit_id
from homeostat.events import (
    ActionApplied,
    DeploymentObserved,
    FeatureContract,
    ModelRegistered,
    Rollout,
    Samples,
    SamplesObserved,
)
from homeostat.events.logs import GOVERNANCE, TIMELINE
from homeostat.services.drift_detector.fold import DriftDetector

MODEL = "acme/m"


class Line:
    """The detector of one model, 50 rows every tenth of a second."""

    def __init__(self) -> None:
        self.fold, self.offset, self.now = DriftDetector(), 0, 1_000_000
        self.state = self.fold.initial(MODEL)
        self.tell(ModelRegistered(family="f", champion="v1", features=(FeatureContract(name="x"),), model=MODEL))

    def tell(self, data: Any) -> list[DeploymentObserved]:
        """Fold in; return what was noticed."""
        self.offset += 1
        event = Event(
            id=emit_id(self.offset),
            source="/s",
            type=data.TYPE,
            subject=MODEL,
            time=self.now,
            data=data,
            position=Position(TIMELINE, "t", 0, self.offset),
            story=Identity("s"),
            emitter="/d",
        )
        self.state, emits = self.fold.step(self.state, event)
        told = [emit for emit in emits if isinstance(emit.data, DeploymentObserved)]
        assert all((emit.log, emit.subject) == (GOVERNANCE, "acme") for emit in told)
        return [emit.data for emit in told if isinstance(emit.data, DeploymentObserved)]

    def serve(self, version: str, n: int = 1) -> list[DeploymentObserved]:
        """So many batches."""
        found = list[DeploymentObserved]()
        for _ in range(n):
            found += self.tell(rows(version, self.offset))
            self.now += 100
        return found


def rows(version: str, seed: int) -> Samples:
    """Fifty of them."""
    x = np.random.default_rng(seed).normal(size=50)
    return SamplesObserved(
        version=version,
        request=[f"{seed}-{n}" for n in range(50)],
        time=[1.7e9 + seed] * 50,
        prediction=[0.0] * 50,
        features={"x": x.tolist()},
    ).columns()


def promotion(version: str) -> ActionApplied:
    """A hand has set another champion."""
    rollout = Rollout(
        action="a", verdict="v", family="acme/f", model=MODEL, expires_at=0, champion=version, reference=version
    )
    return ActionApplied(
        action="a", command="c", kind="rollout", family="acme/f", model=MODEL, rollout=rollout, rollout_verb="promote"
    )


@pytest.fixture
def line() -> Line:
    """A model whose champion has served for a while."""
    line = Line()
    line.serve("v1", 10)
    return line


def test_a_version_that_nobody_announced_is_noticed_once(line: Line) -> None:
    """After 200 rows it counts here; after three more seconds alone the governor is told."""
    assert line.serve("v2", 33) == []

    told = line.serve("v2", 60)

    assert [(said.version, said.model, said.is_noticed) for said in told] == [("v2", MODEL, True)]


def test_rows_of_the_former_champion_put_it_off(line: Line) -> None:
    """A rolling deployment is over when the last pod is another one."""
    for _ in range(30):
        assert line.serve("v2", 5) == line.serve("v1") == []

    assert len(line.serve("v2", 40)) == 1


def test_late_rows_after_a_promotion_are_no_deployment(line: Line) -> None:
    """Even more than enough of them: clients hold rows back for a second or two."""
    line.tell(promotion("v2"))

    assert line.serve("v1", 8) == []
    assert {said.version for said in line.serve("v2", 100)} <= {"v2"}  # which the governor knows: no news


@pytest.mark.parametrize("follows", [DeploymentObserved(version="v2"), promotion("v2")])
def test_what_is_announced_in_time_is_not_noticed(line: Line, follows: Any) -> None:
    """Then the governor knows."""
    line.tell(follows)

    assert line.serve("v2", 100) == []


def test_a_flood_of_versions_is_told_sixty_times_an_hour(line: Line) -> None:
    """Whoever may write rows may claim any version."""
    told = sum(len(line.serve(f"v{n % 2 + 3}", 36)) for n in range(100))

    assert told == 60
