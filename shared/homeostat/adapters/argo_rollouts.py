"""What Argo Rollouts remembers: `kubectl get rollouts,analysisruns,replicasets -o json`.

Source: https://argo-rollouts.readthedocs.io/en/stable/features/specification and `features/analysis`.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import as_name
from homeostat.adapters.node import Node, documents
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.target import Target
from homeostat.events import DeploymentObserved

_ROLLOUT, _RUN = "Rollout", "AnalysisRun"
_HEALTHY: Final = ("Completed", "Healthy", "Available")
"""Conditions that say since when the stable version has served, the best one first."""


def history(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read rollouts and their analyses; other objects are left out.

    A rollout gives the deployment of its stable version (its pod template's hash, or the target's version), at the time
    it was completed. An analysis gives a signal per measurement, named as its metric.

    Args:
        payload: JSON: an object, a `List`, or one object a line.
        target: Model that is rolled out.

    Raises:
        UnreadablePayload: It is none of it.
    """
    events: list[AdaptedEvent] = []
    for whole in documents(payload):
        listed = whole.maybe("items")
        for one in listed.items() if listed is not None else [whole]:
            kind = one["kind"].text()
            if kind == _ROLLOUT:
                events += _deployment(one, target)
            elif kind == _RUN:
                events += _measurements(one, target)
    return in_order(events)


def _deployment(rollout: Node, target: Target) -> Iterator[AdaptedEvent]:
    status = rollout["status"]
    stable, conditions = status.maybe("stableRS"), status.maybe("conditions")
    if stable is None:
        return
    since = {
        condition["type"].text(): condition["lastTransitionTime"]
        for condition in (conditions.items() if conditions is not None else [])
        if condition["status"].value == "True"
    }
    at = next((since[name] for name in _HEALTHY if name in since), rollout["metadata"]["creationTimestamp"])
    version = target.version or as_name(stable.text())
    why = f"Argo Rollouts: {rollout['metadata']['name'].value} is stable"
    yield AdaptedEvent(at.millis(), target.subject, DeploymentObserved(version=version, reason=why[:2000]))


def _measurements(run: Node, target: Target) -> Iterator[AdaptedEvent]:
    status = run["status"]
    found = status.maybe("metricResults")
    for result in found.items() if found is not None else []:
        listed = result.maybe("measurements")
        for measurement in listed.items() if listed is not None else []:
            value = _value(measurement)
            if value is None:
                continue
            finished = measurement.maybe("finishedAt") or measurement["startedAt"]
            labels = {"phase": measurement["phase"].text(), "rollout": _owner(run)}
            name = result["name"].text()
            yield signal(target, measurement.path, finished.millis(), "ci_cd", name, value, labels=labels)


def _value(measurement: Node) -> float | None:
    """A measurement's value is text: a number, or a list of numbers, of which the first counts; None for others."""
    found = measurement.maybe("value")
    if found is None:
        return None
    text: Any = str(found.value).strip("[]").split(",")[0].split(" ")[0]
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _owner(run: Node) -> str:
    owners = run["metadata"].maybe("ownerReferences")
    return owners.items()[0]["name"].text() if owners is not None and owners.items() else run["metadata"]["name"].text()
