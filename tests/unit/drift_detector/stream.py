"""Timelines of one made-up model, and the detector run over them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from tests.support.fold_driver import run_timeline

from homeostat.core import Emit, Event, Payload, Position
from homeostat.core.identity import emit_id, identity
from homeostat.events import Answer, FeatureContract, Labels, ModelRegistered, Samples
from homeostat.events.columns import F4, F8, Role
from homeostat.events.logs import TIMELINE
from homeostat.services.drift_detector.fold import DriftDetector
from homeostat.services.drift_detector.state import State

MODEL = "acme/camera-1"
SOURCE = "/homeostat/intake.telemetry/homeostat.telemetry/t/0"
EMITTER = "/homeostat/drift_detector/homeostat.timeline/u/0"
D = TypeVar("D", bound=Payload)


def event_of(data: Payload, offset: int, *, source: str = SOURCE) -> Event:
    """Put a payload at an offset of the timeline, one second after the one before, or when its rows were served."""
    served = int(1_000 * np.frombuffer(data.time, F8)[-1]) if isinstance(data, Samples) else 0
    return Event(
        id=emit_id(offset),
        source=source,
        type=data.TYPE,
        subject=MODEL,
        time=max(1_000 * offset, served),
        data=data,
        position=Position(TIMELINE, "u", 0, offset),
        story=identity(source, emit_id(offset)),
        emitter=EMITTER,
    )


def registered(n_features: int = 3, *, champion: str = "v1") -> ModelRegistered:
    """A classifier with features f0, f1, …"""
    return ModelRegistered(
        family="cameras",
        champion=champion,
        features=tuple(FeatureContract(name=f"f{i}") for i in range(n_features)),
    )


@dataclass
class Stream:
    """Makes rows of a model with ten classes: gaussian features and errors at a rate.

    Args:
        seed: Of the draws.
        n_features: Monitored features.
        n_rows: Served rows of one event.
        n_labels: Of which labelled, the first ones.
    """

    seed: int = 0
    n_features: int = 3
    n_rows: int = 50
    n_labels: int = 10
    n_served: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def samples(
        self,
        error: float = 0.05,
        shift: Sequence[float] = (),
        *,
        score: float = 0.9,
        role: Role = "champion",
        version: str = "v1",
        inline: bool = True,
    ) -> Samples:
        """One event of rows; `shift` moves the first features, in standard deviations of a row."""
        n = self.n_rows
        values = self.rng.standard_normal((self.n_features, n))
        values[: len(shift)] += np.asarray(shift, dtype=F8)[:, None]
        truth = self.rng.integers(10, size=n).astype(F8)
        wrong = self.rng.random(n) < error
        label = np.where(np.arange(n) < self.n_labels, truth, np.nan)
        self.n_served += n
        return Samples(
            version=version,
            role=role,
            request=[f"r{self.n_served - n + i}" for i in range(n)],
            time=(self.n_served - n + np.arange(n, dtype=F8)).tobytes(),
            features=[f"f{i}" for i in range(self.n_features)],
            values=values.astype(F4).tobytes(),
            prediction=np.where(wrong, (truth + 1) % 10, truth).astype(F8).tobytes(),
            score=np.clip(score + 0.05 * self.rng.standard_normal(n), 0.0, 1.0).astype(F8).tobytes(),
            label=label.astype(F8).tobytes() if inline else b"",
        )

    def late(self, samples: Samples, truth_of: Samples, *, lag: float = 100.0) -> Labels:
        """The labels that `truth_of` would have carried, coming `lag` seconds after the rows."""
        keep = slice(0, self.n_labels)
        column = {name: np.frombuffer(getattr(truth_of, name), F8)[keep] for name in ("label", "time", "prediction")}
        score = np.frombuffer(samples.score, F8)[keep]
        return Labels(
            request=samples.request[keep],
            label=column["label"].tobytes(),
            time=(column["time"] + lag).tobytes(),
            answers=[Answer(samples.version, samples.role, column["prediction"].tobytes(), score.tobytes())],
            lag_seconds=np.full(self.n_labels, lag).tobytes(),
        )

    def quiet(self, n: int, error: float = 0.05) -> list[Payload]:
        """A registered model and `n` events in which nothing moves."""
        return [registered(self.n_features), *(self.samples(error) for _ in range(n))]


def run(
    payloads: Iterable[Payload], *, splits: Iterable[int] = (), fold: DriftDetector | None = None
) -> tuple[State, list[tuple[int, Emit]]]:
    """Fold payloads in from offset 0, storing and restoring the state before the offsets in `splits`.

    Returns:
        The state, and each emit with the offset that led to it.
    """
    events = (event_of(data, offset) for offset, data in enumerate(payloads))
    return run_timeline(fold or DriftDetector(), MODEL, events, splits)


def of(emits: Iterable[tuple[int, Emit]], type_: type[D]) -> list[tuple[int, D]]:
    """The payloads of one type, with their offsets."""
    return [(offset, emit.data) for offset, emit in emits if isinstance(emit.data, type_)]
