"""A door to knock at: records go in as clients write them, what was emitted or refused comes out."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from homeostat.codec import Record, decode_event, encode_payload
from homeostat.core import Emit, Event, Fold, Payload
from homeostat.events import FeatureContract, Labels, ModelRegistered, Samples
from homeostat.events.columns import F4, Role, pack
from homeostat.events.logs import REPORTS, REQUESTS
from homeostat.services.intake.settings import Settings
from homeostat.testing.stored import restored


class Knock:
    """Runs one door over records, step by step.

    Args:
        fold: The door.
        subject: Key of the records.
        is_restored: Put the state through the snapshot codec after every step.
    """

    def __init__(self, fold: Fold[Any], subject: str, *, is_restored: bool = False) -> None:
        self.fold, self.subject, self.is_restored = fold, subject, is_restored
        self.state = fold.initial(subject)
        self.offset, self.now = 0, 1_000

    def record(self, value: bytes, headers: dict[str, str]) -> Record:
        """Lay out a record of the door."""
        return Record(
            self.fold.log,
            "t",
            0,
            self.offset,
            self.now,
            self.subject.encode(),
            value,
            [(name, text.encode()) for name, text in headers.items()],
        )

    def put(self, value: bytes, headers: dict[str, str]) -> tuple[Emit, ...]:
        """Step on a raw record, of CloudEvents 1.0 unless its headers say otherwise.

        Where a door takes only what somebody claims to have signed, somebody does: it cannot check whether it is true.
        """
        claims = {"signature": "A" * 86 + "==", "key-id": "0" * 16} if self.fold.log in (REQUESTS, REPORTS) else {}
        event = decode_event(
            self.record(value, {"ce_specversion": "1.0"} | claims | headers),
            time=self.now,
            emitter=f"/homeostat/{self.fold.name}",
            is_door=True,
        )
        return self.step(event)

    def step(self, event: Event) -> tuple[Emit, ...]:
        """Step on an event."""
        self.offset += 1
        self.state, emits = self.fold.step(self.state, event)
        if self.is_restored:
            self.state = restored(self.fold, self.state)
        return emits

    def send(
        self, data: Payload, *, id_: str | None = None, source: str = "/client", **headers: str
    ) -> tuple[Emit, ...]:
        """Step on a payload in binary mode, under a fresh id unless one is given."""
        value, content_type = encode_payload(data)
        attributes = {
            "ce_id": id_ or f"fresh-{self.offset}",
            "ce_source": source,
            "ce_type": data.TYPE,
            "content-type": content_type.decode(),
        }
        return self.put(value, attributes | {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.fixture(scope="session")
def knock() -> Callable[..., Knock]:
    """`knock(fold_class, subject, is_restored=False, **settings)` opens a door of its own."""

    def opened(
        fold: Callable[[Settings], Fold[Any]], subject: str, *, is_restored: bool = False, **settings: int
    ) -> Knock:
        return Knock(fold(Settings(**settings)), subject, is_restored=is_restored)

    return opened


@pytest.fixture(scope="session")
def model() -> Callable[..., ModelRegistered]:
    """A registration with two features in [0, 10] and [-1, 1], inputs of width 3; change what you like."""

    def registered(**changes: Any) -> ModelRegistered:
        features = (FeatureContract(name="age", low=0.0, high=10.0), FeatureContract(name="mood", low=-1.0, high=1.0))
        return ModelRegistered.model_validate(
            {"family": "digits", "champion": "v1", "features": features, "input_width": 3} | changes
        )

    return registered


@pytest.fixture(scope="session")
def samples() -> Callable[..., Samples]:
    """Columns for the model above: `samples(requests, version, role, features={name: values}, …)`."""

    def observed(
        requests: Iterable[str] = ("r0", "r1"),
        version: str = "v1",
        role: Role = "champion",
        *,
        features: dict[str, list[float]] | None = None,
        time: float = 100.0,
        prediction: list[float] | None = None,
        label: list[float] | None = None,
        **changes: Any,
    ) -> Samples:
        request = list(requests)
        n = len(request)
        columns = {"age": [1.0] * n, "mood": [0.5] * n} if features is None else features
        return Samples(
            version=version,
            role=role,
            request=request,
            time=pack([time + i for i in range(n)]),
            features=list(columns),
            values=b"".join(pack(column, F4) for column in columns.values()),
            prediction=pack(prediction or [1.0] * n),
            score=changes.pop("score", pack([0.9] * n)),
            label=pack(label) if label else b"",
            **changes,
        )

    return observed


@pytest.fixture(scope="session")
def labels() -> Callable[..., Labels]:
    """`labels({"r0": 1.0}, time=200.0)`."""

    def known(values: dict[str, float], time: float = 200.0) -> Labels:
        return Labels(request=list(values), label=pack(list(values.values())), time=pack(np.full(len(values), time)))

    return known
