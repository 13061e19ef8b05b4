"""One object to say what is, ask for what should be, and hear what was decided."""

import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from numpy.typing import ArrayLike

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.audit.keys import Key, load
from homeostat.client.doors import door_of
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Logs, Since
from homeostat.client.policies import Listener, Policies, Policy
from homeostat.client.samples import Column, columns_of_rows, labels_of, samples_of
from homeostat.client.sealing import Sealer, identity_of
from homeostat.client.settings import Security, client_settings
from homeostat.codec import Output, decode_event
from homeostat.codec.encode import partition_of
from homeostat.core import Halt, Identity, Payload, Reject
from homeostat.events import Command, WeightsPublished
from homeostat.events.columns import Role
from homeostat.events.logs import EXPERIENCE, REQUESTS
from homeostat.host.settings import HostSettings


class KeyNeeded(Halt):
    """A request must be signed, and the client has no key.

    Operator: `homeostat keys create NAME`, then `Client(key=Path(".homeostat/keys/NAME.pem"))`.
    """

    def __init__(self) -> None:
        super().__init__("a request is signed: make a key with `homeostat keys create NAME` and pass key=<its file>")


class Client:
    """Publishes to the doors and follows the policies. Use it as a context manager, from one thread.

    A record that could not be delivered is raised as `DeliveryFailed` by the next call or by `flush`; leaving the
    context flushes. Publishing again is safe: doors drop repeats of (source, id).

    Args:
        bootstrap_servers: Brokers; None: `HOMEOSTAT_BOOTSTRAP_SERVERS`, else a running `homeostat up`, else
            127.0.0.1:9092.
        source: CloudEvents `source`: who says it, a URI reference. Influence is capped by it, distrust acts on it.
        key: Private key that signs requests: a file made by `homeostat keys create`, or a loaded key.
        settings: Instead of the environment.
        logs: Instead of a broker, for tests.
        **security: For a broker that wants authentication.
    """

    def __init__(
        self,
        bootstrap_servers: str | None = None,
        *,
        source: str = "/client",
        key: Path | Key | None = None,
        settings: HostSettings | None = None,
        logs: Logs | None = None,
        **security: Unpack[Security],
    ) -> None:
        self.settings = client_settings(bootstrap_servers, settings, security)
        self.source, self._sealer = source, Sealer(source)
        self._key = load(key.parent, key.stem) if isinstance(key, Path) else key
        self._logs: Logs = KafkaLogs(self.settings, f"homeostat-client{source}") if logs is None else logs
        self._store: ArtifactStore | None = None

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Flush and close."""
        self.close()

    def close(self) -> None:
        """Flush, and give connections back.

        Raises:
            DeliveryFailed: Something was not acknowledged.
        """
        self._logs.close()

    def flush(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            DeliveryFailed: Something was not.
        """
        self._logs.flush()

    # -- telemetry ----------------------------------------------------------------------------

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
        time: ArrayLike | None = None,
        role: Role = "champion",
        inputs: ArrayLike | None = None,
        captured: Sequence[int] | None = None,
        latency_seconds: Column | None = None,
    ) -> list[str]:
        """Publish n rows that one version of a model served; see `samples_of` for the columns.

        Args:
            model: `scope/model`.
            version: Version that answered.
            prediction: n class indices or values.
            request: n ids, at most 128 characters; None makes them. Labels and other versions refer to them.
            features: Monitored features by name, n each; None or NaN is missing.
            score: n confidences.
            label: n truths where known, NaN elsewhere.
            time: n event times, or one, in seconds since the epoch; None is now.
            role: What the version was.
            inputs: Model inputs to keep for training.
            captured: Rows that `inputs` belongs to; None is every row.
            latency_seconds: n.

        Returns:
            The n request ids.

        Raises:
            Reject: `payload_invalid`: the columns do not fit together.
            DeliveryFailed: An earlier record was not delivered.
        """
        n = len(prediction)  # type: ignore[arg-type]  # a scalar raises TypeError, which says it
        stem = self._sealer.new_id()
        requests = [f"{stem}.{row}" for row in range(n)] if request is None else list(request)
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
            self.publish(None, model, samples)
        return requests

    def publish_rows(
        self, model: str, version: str, rows: Iterable[Mapping[str, Any]], *, role: Role = "champion"
    ) -> list[str]:
        """Publish rows; names other than request, time, prediction, score, label, latency_seconds, inputs are features.

        Returns:
            The request ids.

        Raises:
            Reject: `payload_invalid`.
        """
        requests: list[str] = []
        for columns in columns_of_rows(rows):
            requests += self.publish_samples(model, version, role=role, **columns)
        return requests

    def publish_labels(
        self, model: str, request: Sequence[str], label: ArrayLike, time: ArrayLike | None = None
    ) -> None:
        """Publish truths that became known later.

        Args:
            model: `scope/model`.
            request: n ids of requests that were published.
            label: n.
            time: When they became known, seconds since the epoch; None is now.

        Raises:
            Reject: `payload_invalid`.
        """
        for labels in labels_of(request, label=label, time=clock.time() if time is None else time):
            self.publish(None, model, labels)

    # -- anything -----------------------------------------------------------------------------

    def publish(self, log: str | None, subject: str, data: Payload) -> Identity:
        """Publish any payload of `homeostat.events`.

        Args:
            log: Topic; None picks the door of the type.
            subject: `scope/model`, `scope/family` or `scope`: the key.
            data: The payload.

        Returns:
            Identity of the event.

        Raises:
            Reject: `type_internal`: no door takes the type.
            BrokerUnreachable: Nobody answers.
            DeliveryFailed: An earlier record was not delivered.
        """
        topic = door_of(data.TYPE) if log is None else log
        return self._deliver(self._sealer.seal(topic, subject, data, self._logs.places(topic)))

    def request(self, data: Payload, scope: str) -> Identity:
        """Ask for something, signed.

        Args:
            data: A freeze, approval, budget, rules, …
            scope: Scope it is about, or `*`.

        Returns:
            Identity of the request.

        Raises:
            KeyNeeded: The client has no key.
        """
        return self._deliver(self._request(data, scope, self._logs.places(REQUESTS)))

    def sealed_request(self, data: Payload, scope: str) -> Output:
        """Lay out and sign a request without sending it, for a time without a broker; its partition is still open.

        Raises:
            KeyNeeded: The client has no key.
        """
        return self._request(data, scope, 1)

    def _request(self, data: Payload, scope: str, n_partitions: int) -> Output:
        if self._key is None:
            raise KeyNeeded
        return self._sealer.seal(REQUESTS, scope, data, n_partitions, self._key)

    def _deliver(self, output: Output) -> Identity:
        self._logs.send(output)
        return Identity(identity_of(output))

    # -- what was decided ---------------------------------------------------------------------

    def policies(self, *kinds: str, model: str | None = None, since: Since = "now") -> Policies:
        """Follow approved commands, each once.

        Args:
            *kinds: rollout, retrain, threshold, meta_training; none means all.
            model: `scope/model`; None means every one.
            since: `now` or `beginning`.
        """
        return Policies(self._logs, kinds, model, since)

    def on_policy(
        self,
        callback: Callable[[Policy[Command]], None],
        *kinds: str,
        model: str | None = None,
        since: Since = "now",
    ) -> Listener:
        """Call a function for every approved command, in a thread of its own, until `Listener.stop`."""
        return Listener(self.policies(*kinds, model=model, since=since), callback)

    def initial_weights(self, family: str) -> bytes | None:
        """Return the newest initial weights of a family that passed their gate, as safetensors; None without any.

        Args:
            family: `scope/family`.

        Raises:
            ArtifactMissing: They were published, but the store does not have them.
        """
        key, newest = family.encode(), None
        for record in self._logs.read([EXPERIENCE], partition=partition_of(key, self._logs.places(EXPERIENCE))):
            is_ours = record.key == key and dict(record.headers).get("ce_type") == WeightsPublished.TYPE.encode()
            if not is_ours:
                continue
            try:
                event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
            except Reject:
                continue  # of a version that this one cannot read
            assert isinstance(event.data, WeightsPublished)
            newest = event.data.artifact
        if newest is None:
            return None
        if self._store is None:
            self._store = open_store(self.settings.store_url)
        return self._store.get(newest)
