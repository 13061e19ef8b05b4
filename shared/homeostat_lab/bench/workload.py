"""Made-up traffic of many models, as the doors and the timeline hold it: real bytes, the same at every call."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from homeostat.codec import Output
from homeostat.codec.encode import partition_of
from homeostat.codec.envelope import envelope
from homeostat.core import Payload
from homeostat.core.identity import emit_id, identity, sequence
from homeostat.events import IndicatorComputed, ModelRegistered, Samples
from homeostat.events.base import Provenance
from homeostat.events.columns import F4, pack
from homeostat.events.registration import FeatureContract

N_FEATURES: Final = 8
FEATURES: Final = tuple(f"f{i}" for i in range(N_FEATURES))
_START_MS: Final = 1_700_000_000_000
_SEED: Final = 7


def model_name(index: int) -> str:
    """Subject of a model; all are of one scope and one family."""
    return f"bench/m{index:05d}"


def registration(index: int) -> ModelRegistered:
    """Contract of a model with a range for every feature."""
    return ModelRegistered(
        family="bench",
        kind="classifier",
        features=tuple(FeatureContract(name=name, low=-100.0, high=100.0) for name in FEATURES),
        champion="v1",
        model=model_name(index),
    )


class Traffic:
    """Samples of `n_models` in turn, `n_rows` an event: 8 float32 features, prediction, score, time.

    Args:
        n_models: >= 1.
        n_rows: Rows of one event, >= 1.
        is_inside: As intake writes it to the timeline (provenance, sequence), not as a client writes it to the door.
    """

    def __init__(self, n_models: int, n_rows: int, *, is_inside: bool) -> None:
        self.n_models, self.n_rows, self._is_inside = n_models, n_rows, is_inside
        self._client = f"/bench/client-{n_rows}"  # so that traffic of another width repeats no identity
        chance = np.random.default_rng(_SEED)
        self._values = [chance.normal(size=(N_FEATURES, n_rows)).astype(F4).tobytes() for _ in range(64)]
        self._predictions = [pack(chance.integers(0, 10, n_rows).astype(float)) for _ in range(64)]
        self._scores = [pack(chance.uniform(0.6, 1.0, n_rows)) for _ in range(64)]

    def registrations(self, topic: str, n_partitions: int) -> Iterator[Output]:
        """Yield the contract of every model."""
        for index in range(self.n_models):
            yield self._seal(topic, n_partitions, index, index, registration(index))

    def events(self, topic: str, n_partitions: int, n: int, start: int = 0) -> Iterator[Output]:
        """Yield `n` events, the first one number `start`; request ids never repeat.

        Args:
            topic: Where they go.
            n_partitions: Of it.
            n: How many.
            start: Number of the first.
        """
        for number in range(start, start + n):
            yield self._seal(topic, n_partitions, number % self.n_models, self.n_models + number, self.samples(number))

    def samples(self, number: int) -> Samples:
        """Payload of event `number`."""
        pick, n = number % 64, self.n_rows
        first = number * n
        return Samples(
            version="v1",
            role="champion",
            request=[f"r{n}.{first + row}" for row in range(n)],
            time=pack([_START_MS / 1000 + (first + row) * 0.001 for row in range(n)]),
            features=list(FEATURES),
            values=self._values[pick],
            prediction=self._predictions[pick],
            score=self._scores[pick],
            provenance=Provenance("bench", self._client, f"e{number}") if self._is_inside else None,
        )

    def _seal(self, topic: str, n_partitions: int, model: int, number: int, data: Payload) -> Output:
        subject = model_name(model)
        key = subject.encode()
        place = partition_of(key, n_partitions)
        source, id_ = self._client, f"e{number}"
        if self._is_inside:
            source = f"/homeostat/intake.telemetry/homeostat.telemetry/bench-{self.n_rows}/{place}"
            id_ = emit_id(number)
        return envelope(
            topic,
            subject,
            data,
            id_=id_,
            source=source,
            time=_START_MS + number,
            partition=place,
            cause=identity(self._client, f"e{number}") if self._is_inside else None,
            sequence=sequence(number) if self._is_inside else None,
        )


def indicators(topic: str, n_partitions: int, n: int, start: int = 0, n_subjects: int = 200) -> Iterator[Output]:
    """Yield `n` ordinary JSON events of an internal log, the first one number `start`.

    Args:
        topic: Where they go.
        n_partitions: Of it.
        n: How many.
        start: Number of the first.
        n_subjects: Among which they take turns, >= 1.
    """
    for number in range(start, start + n):
        subject = model_name(number % n_subjects)
        key = subject.encode()
        place = partition_of(key, n_partitions)
        yield envelope(
            topic,
            subject,
            IndicatorComputed(model=subject, name="load", value=float(number)),
            id_=emit_id(number),
            source=f"/homeostat/bench/{topic}/made-up/{place}",
            time=_START_MS + number,
            partition=place,
            sequence=sequence(number),
        )
