"""The cameras as users of Homeostat: they serve, publish telemetry and audit labels; nothing more."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Payload
from homeostat.events import (
    Arm,
    Array,
    FamilyRegistered,
    FeatureContract,
    Labels,
    ModelRegistered,
    Samples,
    TaskRecorded,
)
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import TELEMETRY, TRACES
from homeostat_lab.demo.network import Weights, install
from homeostat_lab.demo.world import N_AUDITED, N_SERVED, StationEvent, World

SCOPE: Final = "plant"
FAMILY: Final = "cameras"
VERSION: Final = "installed"
FEATURES: Final = ("brightness", "contrast", "min_row_std")
_SECONDS_PER_EVENT: Final = 60.0

_SGD: Final[Mapping[str, bool | int | float | str]] = {
    "rows": 80,
    "steps": 60,
    "batch": 64,
    "momentum": 0.9,
    "l2": 1e-4,
}
ARMS: Final = (
    Arm(name="warm_low", hyperparameters={**_SGD, "lr": 0.02}),
    Arm(name="warm_high", hyperparameters={**_SGD, "lr": 0.1}),
    Arm(name="head_only", hyperparameters={**_SGD, "lr": 0.1, "layers": "head"}),
    Arm(
        name="maml",
        hyperparameters={"initial_weights": "published", "rows": 40, "steps": 20, "momentum": 0.0, "l2": 0.0},
    ),
    Arm(name="scratch", hyperparameters={**_SGD, "initial_weights": "random", "lr": 0.1, "steps": 200}),
)
"""Adaptations of the family, in the words of the default recipe."""

Publish = Callable[[str, str, Payload], None]
"""Writes a payload to a door: topic, subject, data."""


class Serving(Protocol):
    """The model server, in process or over HTTP."""

    def predict(self, model: str, request: Sequence[str], x: NDArray[np.float32]) -> Any:
        """Return `homeostat.serving.Answers`.

        Args:
            model: `scope/model`.
            request: Ids, one per row.
            x: (n, 64) float32.
        """


def subject(station: int) -> str:
    """`scope/model` of a station."""
    return f"{SCOPE}/camera-{station:02d}"


def family(price: float) -> FamilyRegistered:
    """What the cameras' owners register once.

    Args:
        price: Of a retrain, in accuracy over the horizon.
    """
    return FamilyRegistered(
        arms=ARMS,
        baseline="warm_high",
        wait_labels=80,
        horizon_labels=120,
        price_per_retrain=price,
        n_shadows=4,
        steps=(0.1, 0.5),
        soak_labels=40,
    )


class Fleet:
    """All stations of a world.

    Args:
        world: What happens.
        serving: Model server.
        publish: Way to the doors.
        start_seconds: Event time of event 0.
    """

    def __init__(self, world: World, serving: Serving, publish: Publish, start_seconds: float = 1.7e9) -> None:
        self.world, self._serving, self._publish, self._start = world, serving, publish, start_seconds
        self.n_right = np.zeros((world.stations, world.events), np.int64)
        self.n_exposed: dict[str, int] = {}
        self.champions: list[list[str]] = [[] for _ in range(world.stations)]

    def install(self, store: ArtifactStore, encode: Callable[[Weights], bytes], price: float) -> dict[str, str]:
        """Train and register every station's first model.

        Args:
            store: Where the weights are put.
            encode: Weights to the bytes of an artifact.
            price: Of one training row, in the currency of the demo.

        Returns:
            Digest of the weights by subject; whoever runs the server deploys them as `installed`.
        """
        self._publish(TRACES, f"{SCOPE}/{FAMILY}", family(price))
        digests = {}
        for station in range(self.world.stations):
            pool = self.world.history(station)
            weights = install(pool.x, pool.y, seed=self.world.seed)
            digests[subject(station)] = digest = store.put(encode(weights))
            registered = ModelRegistered(
                family=FAMILY,
                classes=tuple(str(digit) for digit in range(10)),
                features=tuple(FeatureContract(name=name) for name in FEATURES),
                input_width=64,
                champion=VERSION,
                artifact=digest,
                owner="line-maintenance",
                tier="low",
            )
            self._publish(TELEMETRY, subject(station), registered)
        return digests

    def record_tasks(self, n: int, n_held_out: int) -> None:
        """Publish the few-shot tasks that earlier installations have left."""
        for is_held_out, count in ((False, n), (True, n_held_out)):
            for number, task in enumerate(self.world.tasks(count, self.world.seed, is_held_out=is_held_out)):
                recorded = TaskRecorded(
                    task=f"{'held' if is_held_out else 'task'}-{number:04d}",
                    n_classes=10,
                    support_x=_array(task.support_x, "float32"),
                    support_y=_array(task.support_y, "int64"),
                    query_x=_array(task.query_x, "float32"),
                    query_y=_array(task.query_y, "int64"),
                    held_out=is_held_out,
                )
                self._publish(TRACES, f"{SCOPE}/{FAMILY}", recorded)

    def play(self, event: StationEvent) -> None:
        """Serve one event of one station, publish what was seen, audit ten of the answers."""
        model, n = subject(event.station), N_SERVED + N_AUDITED
        requests = [f"{event.station}-{event.index}-{row}" for row in range(n)]
        x = np.concatenate((event.served, event.audited))
        answers = self._serving.predict(model, requests, x)
        self._score(event, answers)
        at = self._start + event.index * _SECONDS_PER_EVENT
        for samples in _samples(event, requests, x, answers, at):
            self._publish(TELEMETRY, model, samples)
        labels = Labels(
            request=requests[N_SERVED:],
            label=pack(event.audited_label.astype(float)),
            time=pack([at + 1.0] * N_AUDITED),
        )
        self._publish(TELEMETRY, model, labels)

    def _score(self, event: StationEvent, answers: Any) -> None:
        predicted = np.asarray(answers.served.prediction[:N_SERVED])
        self.n_right[event.station, event.index] = int((predicted == event.served_truth).sum())
        champion = next(version for version, role in answers.roles.items() if role == "champion")
        self.champions[event.station].append(champion)
        for version in answers.served.version:
            if version != champion:
                self.n_exposed[version] = self.n_exposed.get(version, 0) + 1


def _samples(
    event: StationEvent, requests: list[str], x: NDArray[np.float32], answers: Any, at: float
) -> list[Samples]:
    """One `Samples` per version and role: all that was served; of mirrored answers those that are audited."""
    groups: dict[tuple[str, Role], tuple[list[int], list[float], list[float]]] = {}

    def add(version: str, role: Role, row: int, prediction: float, score: float) -> None:
        rows, predictions, scores = groups.setdefault((version, role), ([], [], []))
        rows.append(row)
        predictions.append(prediction)
        scores.append(score)

    served = answers.served
    for row, version in enumerate(served.version):
        add(version, answers.roles[version], row, served.prediction[row], served.score[row])
    for version, mirrored in answers.mirrored.items():
        role: Role = "champion" if mirrored.role == "champion" else "shadow"
        for row, prediction, score in zip(mirrored.rows, mirrored.prediction, mirrored.score, strict=True):
            if row >= N_SERVED:
                add(version, role, row, prediction, score)
    return [_group(event, requests, x, at, version, role, *groups[version, role]) for version, role in sorted(groups)]


def _group(
    event: StationEvent,
    requests: list[str],
    x: NDArray[np.float32],
    at: float,
    version: str,
    role: Role,
    rows: list[int],
    predictions: list[float],
    scores: list[float],
) -> Samples:
    captured = [place for place, row in enumerate(rows) if row >= N_SERVED] if role != "shadow" else []
    is_monitored = role == "champion"
    return Samples(
        version=version,
        role=role,
        request=[requests[row] for row in rows],
        time=pack([at] * len(rows)),
        features=list(FEATURES) if is_monitored else [],
        values=b"".join(pack(event.features[name][rows], F4) for name in FEATURES) if is_monitored else b"",
        prediction=pack(predictions),
        score=pack(scores),
        captured=captured,
        inputs=pack(x[[rows[place] for place in captured]], F4) if captured else b"",
    )


def _array(values: NDArray[Any], dtype: str) -> Array:
    raw = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()
    return Array.model_validate({"dtype": dtype, "shape": values.shape, "data": b64encode(raw).decode()})
