"""A classifier that the whole system serves in memory, in a world that changes once; its owner is this module."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from homeostat.codec import decode_event
from homeostat.core import Payload
from homeostat.events import ActionProposed, Arm, FamilyRegistered, FeatureContract, Labels, ModelRegistered, Samples
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import GOVERNANCE, TELEMETRY, TRACES
from homeostat.serving import Deployment
from homeostat_lab.demo.memory_loop import InMemory, in_memory

SCOPE, FAMILY, MODEL, VERSION = "plant", "plant/press", "plant/press-1", "installed"
N_CLASSES, WIDTH, N_ROWS = 10, 16, 10
BEGIN: Final = 1.7e9

_APART: Final = 1.1
"""Deviations of the classes' centres from the origin, by dimension: nobody is right more than 96 times in a hundred."""

_HYPERPARAMETERS: Final[dict[str, bool | int | float | str]] = {
    "initial_weights": "random",
    "steps": 150,
    "lr": 0.1,
    "hidden": 32,
    "rows": 0,
}


@dataclass
class World:
    """Ten classes around ten centres; once turned, the last five of them change their names among each other.

    Args:
        seed: Of centres and draws.
        is_turned: It has changed.
        noise: Deviation of the rows around their centre.
    """

    seed: int = 1
    is_turned: bool = False
    noise: float = 1.0
    rng: np.random.Generator = field(init=False)
    centres: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.centres = self.rng.normal(size=(N_CLASSES, WIDTH)) * _APART

    def draw(self, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Rows (n, 16) and their classes (n,)."""
        y = self.rng.integers(N_CLASSES, size=n)
        x = (self.centres[y] + self.noise * self.rng.normal(size=(n, WIDTH))).astype(np.float32)
        return x, np.where(self.is_turned & (y >= N_CLASSES // 2), 14 - y, y)


@dataclass
class Served:
    """One model, its server and the doors.

    Args:
        system: Running.
        world: Where it serves.
        step_ms: Broker and event time between two events.
    """

    system: InMemory
    world: World
    step_ms: int
    n_events: int = 0
    right: list[float] = field(default_factory=list)

    def install(self, **family: Any) -> None:
        """Train the first version on 5,000 rows, deploy and register it."""
        x, y = self.world.draw(5000)
        digest = self.system.store.put(save(_centroids(x, y)))
        arms = (Arm(name="anew", predicted_gain=0.3, hyperparameters=_HYPERPARAMETERS),)
        fields = {"arms": arms, "baseline": "anew", "horizon_labels": 120, "n_shadows": 0} | family
        self.system.publish(TRACES, FAMILY, FamilyRegistered.model_validate(fields))
        installed = Deployment(source="/svc", sequence="0", champion=VERSION, artifacts={VERSION: digest})
        self.system.target.apply(MODEL, installed)
        contract = ModelRegistered(
            family="press",
            features=(FeatureContract(name="x0"),),
            input_width=WIDTH,
            champion=VERSION,
            artifact=digest,
        )
        self.system.publish(TELEMETRY, MODEL, contract)
        self.system.settle(0, 0)

    def play(self, n: int) -> None:
        """Serve so many events of ten rows; all are labelled, by every version that answers."""
        for _ in range(n):
            requests = [f"{self.n_events}-{row}" for row in range(N_ROWS)]
            x, y = self.world.draw(N_ROWS)
            answers = self.system.target.predict(MODEL, requests, x)
            at = BEGIN + self.n_events * self.step_ms / 1000
            groups = list[tuple[str, Role, list[int], list[float]]]()
            served = np.array(answers.served.version)
            for version in sorted(set(answers.served.version)):
                rows = np.flatnonzero(served == version).tolist()
                said = [float(answers.served.prediction[row]) for row in rows]
                groups.append((version, answers.roles[version], rows, said))
            for version, mirrored in answers.mirrored.items():
                role: Role = "champion" if mirrored.role == "champion" else "shadow"
                groups.append((version, role, list(mirrored.rows), [float(said) for said in mirrored.prediction]))
            for version, role, rows, said in groups:
                self._publish(_samples(version, role, [requests[row] for row in rows], x[rows], said, at))
            self._publish(Labels(request=requests, label=pack(y.astype(float)), time=pack([at] * N_ROWS)))
            self.right.append(float((np.array(answers.served.prediction) == y).mean()))
            self.n_events += 1
            self.system.log.now += self.step_ms
            self.system.loop.settle()

    def said(self, log: str, type_: str) -> list[Any]:
        """Payloads of a type in a log, in order."""
        wanted = f"homeostat.{type_}.v1".encode()
        found = [record for record in self.system.records(log) if dict(record.headers)["ce_type"] == wanted]
        return [decode_event(one, time=one.timestamp, emitter="", is_door=False).data for one in found]

    def proposals(self) -> dict[str, ActionProposed]:
        """What was proposed, by identity."""
        found = dict[str, ActionProposed]()
        for record in self.system.records(GOVERNANCE):
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
            if isinstance(event.data, ActionProposed):
                found[event.identity] = event.data
        return found

    def _publish(self, data: Payload) -> None:
        self.system.publish(TELEMETRY, MODEL, data)


@contextmanager
def serving(step_ms: int, seed: int = 1) -> Iterator[Served]:
    """A system with nothing installed yet."""
    with in_memory() as system:
        yield Served(system, World(seed), step_ms)


def _centroids(x: NDArray[np.float32], y: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """The best that many rows allow, as a network of two layers: the nearest mean, on halves that are added again."""
    means = np.stack([x[y == label].mean(axis=0) for label in range(N_CLASSES)])
    identity = np.concatenate((np.eye(WIDTH), -np.eye(WIDTH)), axis=1)
    return {
        "w1": identity.astype(np.float32),
        "b1": np.zeros(2 * WIDTH, np.float32),
        "w2": np.ascontiguousarray(np.concatenate((means.T, -means.T)), np.float32),
        "b2": (-0.5 * (means * means).sum(axis=1)).astype(np.float32),
    }


def _samples(
    version: str, role: Role, requests: list[str], x: NDArray[np.float32], said: list[float], at: float
) -> Samples:
    is_monitored, is_captured = role == "champion", role != "shadow"
    return Samples(
        version=version,
        role=role,
        request=requests,
        time=pack([at] * len(requests)),
        features=["x0"] if is_monitored else [],
        values=pack(x[:, 0], F4) if is_monitored else b"",
        prediction=pack(said),
        score=pack([0.9] * len(requests)),
        captured=list(range(len(requests))) if is_captured else [],
        inputs=pack(x, F4) if is_captured else b"",
    )
