"""One object to say what is, ask for what should be, and hear what was decided."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from homeostat.artifacts import ArtifactStore, open_store
from homeostat.audit.keys import Key, load
from homeostat.client.checking import Checker
from homeostat.client.doors import door_of
from homeostat.client.errors import DeliveryFailed, KeyNeeded
from homeostat.client.event_builder import EventBuilder, identity_of, place
from homeostat.client.forking import drop_in_children, keep_for_ever
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Logs, Since
from homeostat.client.policies import Listener, Policies, Policy
from homeostat.client.publishing import Publishing
from homeostat.client.settings import client_settings
from homeostat.client.weights import newest_weights
from homeostat.codec import Output
from homeostat.commands.notary_keys import NotaryKeys
from homeostat.core import Identity, Payload
from homeostat.events import ActionRequested, Command, DeploymentObserved, Request
from homeostat.events.logs import DOORS, REQUESTS
from homeostat.runtime.settings import HostSettings

REQUEST_VALID_MS: Final = 3_600_000
"""A request that has not reached the governor in an hour is asked again."""


class Client(Publishing):
    """Publishes to the doors and follows the policies. Use it as a context manager, from one thread.

    What a door would refuse for what it is, `publish` and the like refuse with the door's own reason. What could not be
    delivered is raised as `DeliveryFailed` by the next call, by `flush` or by `close`, and `resend` takes that error;
    leaving the context closes. What waits when the process ends is sent for up to 10 s, and a line on stderr says what
    was not. It may be made before a fork: each child has connections and ids of its own. No call waits without bound.

    Args:
        bootstrap_servers: Brokers; None: `HOMEOSTAT_BOOTSTRAP_SERVERS`, else a running `homeostat up`, else
            127.0.0.1:9092.
        source: CloudEvents `source`: who says it, a URI reference. Distrust acts on it.
        key: Private key that signs requests: a file made by `homeostat keys create`, or a loaded key.
        notary: Public keys of the notary, with which `policies` checks commands: the hex of `notary.pub`, several, or
            their folder; None: `HOMEOSTAT_NOTARY_KEYS`, else the keys of the data folder, as `homeostat up` makes them.
        is_signing: Sign what is published, too. All that is unsigned in a scope has the influence of one source on what
            is learned; the holder of a key that is registered with the role `source` has the influence of one alone.
        settings: Instead of the environment.
        logs: Instead of a broker, for tests.
        **kafka: Settings of librdkafka, dots as underscores: `security_protocol`, `sasl_mechanism`, `sasl_username`,
            `sasl_password`, `ssl_ca_location`, …

    Raises:
        Reject: `header_missing`, `header_invalid`: no source that a door takes.
        KeyNeeded: It is to sign, and has no key.
    """

    def __init__(
        self,
        bootstrap_servers: str | None = None,
        *,
        source: str = "/client",
        key: Path | Key | None = None,
        notary: NotaryKeys | None = None,
        is_signing: bool = False,
        settings: HostSettings | None = None,
        logs: Logs | None = None,
        **kafka: str,
    ) -> None:
        self.settings = client_settings(bootstrap_servers, settings, kafka)
        self.source, self._builder = source, EventBuilder(source)
        self._key = load(key.parent, key.stem) if isinstance(key, Path) else key
        self._notary = notary
        if is_signing and self._key is None:
            raise KeyNeeded
        self._signing_key = self._key if is_signing else None
        self._logs: Logs = KafkaLogs(self.settings, f"homeostat-client{source}") if logs is None else logs
        self._store: ArtifactStore | None = None
        self._checker = Checker(source)
        drop_in_children(self)

    def after_fork(self) -> None:
        """See `Forkable`: a child that went on with the parent's ids would be taken for a repeat of it."""
        keep_for_ever(self._store)
        self._builder, self._store = EventBuilder(self.source), None

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Flush and close."""
        self.close()

    def close(self) -> None:
        """Flush for up to 30 s, and give connections back.

        Raises:
            DeliveryFailed: Something was not acknowledged; it is given up, `resend` says it again.
        """
        self._logs.close()

    def flush(self) -> None:
        """Wait until everything is acknowledged, for up to 30 s.

        Raises:
            DeliveryFailed: Something was not. What the broker refused is in the error; what waits still waits.
        """
        self._logs.flush()

    def resend(self, failure: DeliveryFailed) -> None:
        """Send what was not acknowledged once more, under the same ids: doors drop what had arrived after all.

        Args:
            failure: As raised by this client.

        Raises:
            DeliveryFailed: Not all were taken again; its `outputs` are those, and what else has failed meanwhile.
        """
        for number, output in enumerate(failure.outputs):
            try:
                self._logs.send(output)
            except DeliveryFailed as again:
                left = [one for one in failure.outputs[number:] if one not in again.outputs]
                outputs = (*again.outputs, *left)
                raise DeliveryFailed(len(outputs), again.reason, outputs) from None

    def publish(self, log: str | None, subject: str, data: Payload) -> Identity:
        """Publish any payload of `homeostat.events`.

        Args:
            log: Topic; None picks the door of the type. What does not go to a door is not checked.
            subject: `scope/model`, `scope/family` or `scope`: the key.
            data: The payload.

        Returns:
            Identity of the event.

        Raises:
            Reject: `type_internal`: no door takes the type; or as the door would refuse it.
            BrokerUnreachable: Nobody answers.
            TopicMissing: There is no such topic.
            DeliveryFailed: An earlier record was not delivered.
        """
        topic = door_of(data.TYPE) if log is None else log
        if self._signing_key is not None and isinstance(data, DeploymentObserved) and data.valid_until is None:
            data = data.model_copy(update={"valid_until": self._logs.now() + REQUEST_VALID_MS})
        output = self._builder.build(topic, subject, data, key=self._signing_key)
        if topic in DOORS:
            self._checker.check(output)
        return self._send(output)

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
        return self._send(self.signed_request(data, scope))

    def signed_request(self, data: Payload, scope: str, valid_ms: int = REQUEST_VALID_MS) -> Output:
        """Lay out and sign a request without sending it, for a time without a broker; its partition is still open.

        Args:
            data: The request; if it does not say until when it counts, it counts for `valid_ms` from now.
            scope: Scope it is about, or `*`.
            valid_ms: At most seven days.

        Raises:
            KeyNeeded: The client has no key.
            Reject: As the door would refuse it.
        """
        if self._key is None:
            raise KeyNeeded
        if isinstance(data, Request | ActionRequested) and data.valid_until is None:
            data = data.model_copy(update={"valid_until": self._logs.now() + valid_ms})
        output = self._builder.build(REQUESTS, scope, data, key=self._key)
        self._checker.check(output)
        return output

    def _send(self, output: Output) -> Identity:
        self._logs.send(place(output, self._logs.n_partitions(output.topic)))
        return Identity(identity_of(output))

    # -- what was decided ---------------------------------------------------------------------

    def policies(self, *kinds: str, model: str | None = None, since: Since = "now") -> Policies:
        """Follow approved commands, each once; a forked child goes on where its parent was.

        What the notary has not signed, what has expired and what is stale never comes; see `Policies`.

        Args:
            *kinds: rollout, retrain, threshold, meta_training; none means all.
            model: `scope/model`; None means every one.
            since: `now` or `beginning`.

        Raises:
            NotaryKeyMissing: The notary's public key is not known, so nothing could be checked.
            BrokerUnreachable: Nobody answers; so does the iteration, once nobody has for a minute.
        """
        return Policies(self._logs, kinds, model, since, notary=self._notary, settings=self.settings)

    def on_policy(
        self,
        callback: Callable[[Policy[Command]], None],
        *kinds: str,
        model: str | None = None,
        since: Since = "now",
    ) -> Listener:
        """Call a function for every approved command, in a thread of its own, until `Listener.stop`.

        A forked child does not inherit the thread: call it there.

        Args:
            callback: Called for each, in a thread of the listener.
            kinds: Short types of commands; none: all.
            model: `scope/model`; None: all.
            since: Where to begin.
        """
        return Listener(self.policies(*kinds, model=model, since=since), callback)

    def initial_weights(self, family: str) -> bytes | None:
        """Return the newest initial weights of a family that passed their gate, as safetensors; None without any.

        Weights that were withdrawn, or that rest on a source which is distrusted, are passed over.

        Args:
            family: `scope/family`.

        Raises:
            ArtifactMissing: They were published, but the store does not have them.
        """
        newest = newest_weights(self._logs, family)
        if newest is None:
            return None
        if self._store is None:
            self._store = open_store(self.settings.store_url)
        return self._store.get(newest)
