"""Rows of arrays, and truths that come later, as columnar events."""

import time as clock
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from msgspec.structs import replace
from numpy.typing import ArrayLike

from homeostat.client.event_builder import EventBuilder
from homeostat.client.samples import Column, labels_of, samples_of
from homeostat.client.values import ids, n_rows
from homeostat.core import Identity, Payload
from homeostat.events.columns import Role


class Publishing(ABC):
    """What a client says of a model, in terms of columns."""

    _builder: EventBuilder

    @abstractmethod
    def publish(self, log: str | None, subject: str, data: Payload) -> Identity:
        """Publish any payload of `homeostat.events`; see `Client.publish`.

        Args:
            log: Ingress topic; None: that of the type.
            subject: Key.
            data: Payload.
        """

    def publish_samples(
        self,
        model: str,
        version: str,
        *,
        prediction: ArrayLike,
        request: Sequence[str] | None = None,
        features: Mapping[str, Column] | None = None,
        score: Column | None = None,
        label: Column | None = None,
        time: object = None,
        role: Role = "champion",
        inputs: ArrayLike | None = None,
        captured: Sequence[int] | None = None,
        latency_seconds: object = None,
        contract: int = 0,
    ) -> list[str]:
        """Publish n rows that one version of a model served; see `samples_of` for the columns.

        Args:
            model: `scope/model`.
            version: Version that answered.
            prediction: n class indices or values.
            request: n ids of at most 128 characters; None makes them. Labels and other versions refer to them.
            features: Monitored features by name, n each; None or NaN is missing.
            score: n confidences.
            label: n truths where known, NaN elsewhere.
            time: n event times, or one: seconds since the epoch, datetime64 of any unit, datetime or pandas times; what
                has no time zone is UTC. None is now.
            role: What the version was.
            inputs: Model inputs to keep for training.
            captured: Rows that `inputs` belongs to; None is every row.
            latency_seconds: n, seconds or timedelta64 of any unit.
            contract: Number of the contract that the rows were written for (`ModelRegistered.contract_version`); they
                are refused if another one holds. 0 for any.

        Returns:
            The n request ids.

        Raises:
            Reject: `payload_invalid`, `out_of_range`, `output_too_large`, `subject_invalid`; and, of a model that this
                client has registered, whatever its contract says.
            DeliveryFailed: An earlier record was not delivered.
        """
        stem = self._builder.new_id()
        requests = [f"{stem}.{row}" for row in range(n_rows(prediction))] if request is None else ids(request)
        for samples in samples_of(
            version,
            role,
            requests,
            time=clock.time() if time is None else time,
            prediction=prediction,
            features=features,
            score=score,
            label=label,
            latency_seconds=latency_seconds,
            inputs=inputs,
            captured=captured,
        ):
            self.publish(None, model, samples if not contract else replace(samples, contract=contract))
        return requests

    def publish_labels(
        self,
        model: str,
        request: Sequence[str],
        label: ArrayLike,
        time: object = None,
        *,
        version: str | None = None,
        prediction: ArrayLike | None = None,
        score: Column | None = None,
        predicted: object = None,
        role: Role = "champion",
    ) -> None:
        """Publish truths that became known later.

        They are joined to what was answered, as long as the model's window remembers it (7 days, if nothing else was
        registered). With `version` and `prediction` they bring the answer, and nothing has to be remembered: however
        late they are, and if no sample of the request was published at all. Answers of several versions are several
        calls.

        Args:
            model: `scope/model`.
            request: n ids of requests that were published, or of answers that are brought here.
            label: n.
            time: When they became known, as in `publish_samples`; None is now.
            version: Version that answered.
            prediction: n; what it answered.
            score: n confidences.
            predicted: When it answered, n or one for all, as `time`: the lag of the labels is counted from there.
            role: What the version was.

        Raises:
            Reject: `payload_invalid`, `out_of_range`, `subject_invalid`.
        """
        for labels in labels_of(
            request,
            label=label,
            time=clock.time() if time is None else time,
            version=version,
            role=role,
            prediction=prediction,
            score=score,
            predicted=predicted,
        ):
            self.publish(None, model, labels)
