"""Every hand does what every hand must do; and the checks see it if one does not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_shop import MODEL, NOW, command, record
from tests.support.sample_package.served_rows.hand import BandNotes

from homeostat.commands.guard import decoded
from homeostat.core import CommandExecution, Event, Hand, Report
from homeostat.events import (
    ActionApplied,
    Band,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdRevert,
    ThresholdSet,
)
from homeostat.events.logs import POLICY_ROLLOUT, POLICY_THRESHOLD
from homeostat.hands.function_hand import FunctionHand
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds
from homeostat.serving import Deployment
from homeostat.testing.hand_conformance import HAND_CHECKS, HandCheck
from homeostat.testing.requirement import NotConforming

BAND = Band(signal="load", rate=0.01, low=0.1, high=0.9, eta=0.1)


class Target:
    """Takes every deployment."""

    def apply(self, model: str, deployment: Deployment) -> bool:
        """Set."""
        return True


def events(*data: Any) -> list[Event]:
    """Commands as they lie in their logs."""
    return [decoded(record(each, offset)) for offset, each in enumerate(data, 1)]


def rollouts(**more: Any) -> list[Event]:
    """Every kind."""
    kinds = (RolloutSet, RolloutPromote, RolloutAbort, RolloutRevert)
    return events(*(command(kind, **more) for kind in kinds))


def thresholds(**more: Any) -> list[Event]:
    """Both kinds."""
    fields = {"action": "a#1.0", "verdict": "v", "family": "acme/cameras", "model": MODEL, "expires_at": NOW} | more
    return events(
        ThresholdSet.model_validate(fields | {"band": BAND}),
        ThresholdRevert.model_validate(fields | {"signal": "load", "threshold": 0.5}),
    )


@pytest.fixture
def functions() -> Iterator[Callable[[], Hand]]:
    """Makes hands of functions, whose threads end with the test."""
    made: list[FunctionHand] = []

    def make() -> Hand:
        made.append(FunctionHand("router", {topic: lambda _: None for topic in (POLICY_ROLLOUT, POLICY_THRESHOLD)}))
        return made[-1]

    yield make
    for hand in made:
        hand.close()


@pytest.mark.parametrize("check", HAND_CHECKS, ids=lambda check: check.__name__)
def test_a_hand_conforms(check: HandCheck, functions: Callable[[], Hand], tmp_path: Path) -> None:
    """Ours, one of functions, and one of a package."""
    check(lambda: RolloutActuator(Target()), rollouts())
    check(lambda: ThresholdActuator(PrometheusThresholds(tmp_path / "bands.json")), thresholds())
    check(functions, [*rollouts(hand="router"), *thresholds(hand="router")])
    check(lambda: BandNotes(tmp_path / "notes.json"), thresholds()[:1])


class Wrong:
    """Reports on another action, under a new stage each time, for ever."""

    name = "Wrong Hand"
    logs = ()
    n = 0

    def start(self, command: Event) -> CommandExecution | None:
        """Begin anything."""
        Wrong.n += 1
        return Again(Wrong.n)


class Again:
    """Says the same whenever it is asked."""

    is_done = True

    def __init__(self, number: int) -> None:
        self._number = number
        self.is_done = False

    def poll(self) -> Iterator[Report]:
        """Say it."""
        self.is_done = True
        about = {"action": "other", "command": "c", "kind": "rollout", "family": "acme/cameras", "model": MODEL}
        yield Report(f"applied.{self._number}", ActionApplied.model_validate(about))

    def cancel(self) -> None:
        """Change nothing."""


@pytest.mark.parametrize("check", HAND_CHECKS, ids=lambda check: check.__name__)
def test_a_hand_that_does_not_conform_is_found(check: HandCheck) -> None:
    """Every check finds what this one does wrong."""
    with pytest.raises(NotConforming):
        check(Wrong, rollouts())
