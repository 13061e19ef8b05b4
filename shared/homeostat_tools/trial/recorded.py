"""What the logs hold of a model that a copy of it can be made of: registration, family, law, labelled inputs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.client.logs import Logs
from homeostat.codec.encode import partition_of
from homeostat.core import Reject
from homeostat.core.identity import scope_of
from homeostat.events import ActionApplied, FamilyRegistered, Labels, ModelRegistered, RulesSet, Samples
from homeostat.events.columns import f8
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TIMELINE
from homeostat_tools.cli.exit_codes import not_found
from homeostat_tools.cli.in_force import in_force
from homeostat_tools.cli.rendering import attributes, event_of

LEAST_ROWS: Final = 200
"""Labelled inputs below which a baseline, a training and a canary would be of the same few rows."""


@dataclass(slots=True)
class Recorded:
    """What is known.

    Args:
        registration: The newest, with the version and artifact that serve now.
        family: Arms and recipe.
        rules: In force in the scope.
        names: Of the monitored features.
        x: Captured inputs, (n, width) float32, in the order in which they were served.
        features: Monitored features of the same rows, (n, d) float32.
        y: Their labels, (n,) float64.
    """

    registration: ModelRegistered
    family: FamilyRegistered
    rules: RulesSet
    names: list[str]
    x: NDArray[np.float32]
    features: NDArray[np.float32]
    y: NDArray[np.float64]

    @property
    def is_input(self) -> bool:
        """Whether the monitored features are the inputs themselves, so that one that moves moves the answers too."""
        return self.x.shape == self.features.shape and bool(np.array_equal(self.x, self.features, equal_nan=True))


@dataclass(slots=True)
class _Rows:
    """Joins captured inputs with labels, whichever comes first."""

    registration: ModelRegistered | None = None
    names: list[str] = field(default_factory=list)
    inputs: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = field(default_factory=dict)
    labels: dict[str, float] = field(default_factory=dict)

    def see(self, data: Any) -> None:
        match data:
            case ModelRegistered():
                self.registration = data
            case Samples() if data.role != "shadow":
                self.names = data.features or self.names
                matrix = data.matrix().T if data.features else np.empty((data.n_rows, 0), np.float32)
                for row, x in zip(data.captured, data.captured_inputs(), strict=True):
                    self.inputs.setdefault(data.request[row], (x, matrix[row]))
                if data.label:
                    self._label(data.request, data.label)
            case Labels():
                self._label(data.request, data.label)

    def _label(self, request: list[str], column: bytes) -> None:
        self.labels |= {id_: value for id_, value in zip(request, f8(column).tolist(), strict=True) if value == value}

    def whole(self, width: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], float]]:
        """Yield the rows that have everything."""
        for request, (x, features) in self.inputs.items():
            if request in self.labels and len(features) == len(self.names) and len(x) == width:
                yield x, features, self.labels[request]


def recorded(logs: Logs, model: str) -> Recorded:
    """Read a model.

    Raises:
        CommandFailed: It is not registered, its family has no arms, or too few of its rows have input and label.
    """
    found = _Rows()
    for data in _of(logs, TIMELINE, model):
        found.see(data)
    if found.registration is None:
        raise not_found(f"{model} is not registered here, or its registration has left the timeline: publish it again")
    name = f"{scope_of(model)}/{found.registration.family}"
    family = next(
        (data for data in reversed(list(_of(logs, EXPERIENCE, name))) if isinstance(data, FamilyRegistered)), None
    )
    if family is None:
        raise not_found(f"nobody has registered arms for {name}: publish family.registered first")
    widths = [len(x) for x, _ in found.inputs.values()]
    rows = list(found.whole(max(set(widths), key=widths.count))) if widths else []
    if len(rows) < LEAST_ROWS:
        raise not_found(
            f"{len(rows)} rows of {model} on the timeline have both a captured input and a label, a trial takes "
            f"{LEAST_ROWS}: publish `inputs` and labels with more of them (Served: capture=)"
        )
    x, features, y = (np.stack(column) for column in (list(each) for each in zip(*rows, strict=True)))
    registration = _now_serving(logs, model, found.registration)
    return Recorded(registration, family, _rules(logs, model), list(found.names), x, features, y.astype(np.float64))


def _of(logs: Logs, topic: str, subject: str) -> Iterator[Any]:
    key = subject.encode()
    for record in logs.read([topic], partition=partition_of(key, logs.n_partitions(topic))):
        if record.key == key:
            try:
                yield event_of(record).data
            except Reject:
                continue


def _now_serving(logs: Logs, model: str, registration: ModelRegistered) -> ModelRegistered:
    """Return the registration with what the last rollout has made the champion."""
    for record in reversed(list(logs.read([GOVERNANCE]))):
        if attributes(record).type == ActionApplied.TYPE:
            data = event_of(record).data
            if isinstance(data, ActionApplied) and data.model == model and data.rollout is not None:
                served = {"champion": data.rollout.champion, "artifact": data.rollout.champion_artifact}
                return registration.model_copy(update=served)
    return registration


def _rules(logs: Logs, model: str) -> RulesSet:
    """Return what holds in the scope, without what is about other models and about the time of day."""
    law = in_force(logs)
    rules = law.rules.get(scope_of(model)) or law.rules.get("*") or RulesSet()
    return rules.model_copy(update={"max_rollouts_ratio": 1.0, "cooldown_ms": 0, "valid_until": None})
