"""Commands to the hand, and what it shows."""

from typing import Any

from prometheus_client import CollectorRegistry

from homeostat.core import Event, Identity, Position, Report
from homeostat.core.identity import emit_id
from homeostat.events import Band, Command, ThresholdMoved, ThresholdRevert, ThresholdSet
from homeostat.services.threshold_actuator.hand import ThresholdActuator
from homeostat.services.threshold_actuator.targets.prometheus import PrometheusThresholds

MODEL = "dock/camera-1"
BAND = Band(signal="uncertainty", rate=0.01, low=0.2, high=0.6, eta=0.05)
COMMON = {"action": "a", "verdict": "v", "family": "dock/cameras", "model": MODEL, "expires_at": 10_000}


def command(data: Command | ThresholdMoved, offset: int = 1, source: str = "/homeostat/governor/g/t/0") -> Event:
    return Event(
        id=emit_id(offset),
        source=source,
        type=data.TYPE,
        subject=MODEL,
        time=0,
        data=data,
        position=Position("homeostat.policy.alert-threshold", "t", 0, offset),
        story=Identity("story"),
        emitter="",
    )


def approve(offset: int = 1, band: Band = BAND, source: str = "/homeostat/governor/g/t/0") -> Event:
    return command(ThresholdSet.model_validate(COMMON | {"band": band}), offset, source)


def revert(threshold: float, offset: int = 2) -> Event:
    data = ThresholdRevert.model_validate(COMMON | {"signal": "uncertainty", "threshold": threshold})
    return command(data, offset)


def moved(threshold: float) -> ThresholdMoved:
    return ThresholdMoved(model=MODEL, signal="uncertainty", threshold=threshold, value=0.1, is_alert=False, rate=0.01)


def series(
    target: PrometheusThresholds, name: str = "homeostat_alert_threshold", layer: str = "", attributes: str = ""
) -> float | None:
    registry = CollectorRegistry()
    registry.register(target)
    model = {"scope": "dock", "model": "camera-1", "signal": "uncertainty"}
    return registry.get_sample_value(name, model | {"layer": layer, "attributes": attributes})


def reports(hand: ThresholdActuator, event: Event) -> list[Report]:
    task = hand.start(event)
    return [] if task is None else [*task.poll(), *task.poll()]


def at(node: str, threshold: float, **changes: Any) -> ThresholdMoved:
    """A move at one node."""
    place = {"layer": "edge", "attributes": {"zone": 1, "node": node}}
    return moved(threshold).model_copy(update=place | changes)
