"""Runs a hand of functions on Kafka, in this process."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from homeostat.audit.keys import Key, KeyMissing, load
from homeostat.client.settings import client_settings
from homeostat.commands import notary_keys
from homeostat.core import Halt
from homeostat.events.logs import POLICY_ROLLOUT, POLICY_THRESHOLD, policy_name
from homeostat.hands.function_hand import Act, FunctionHand
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.kafka_hands import KafkaHands
from homeostat.runtime.settings import HostSettings
from homeostat.runtime.stop_signal import StopSignal


class ActuatorKeyMissing(KeyMissing):
    """There is no key to sign reports with. Operator: the message says the command that makes and registers one."""

    def __init__(self, path: Path, topics: tuple[str, ...]) -> None:
        roles = " ".join(f"--role hand:{path.stem}/{policy_name(topic)}" for topic in topics)
        Halt.__init__(
            self,
            f"no key at {path}: reports of {path.stem} would not be believed; "
            f"homeostat keys create {path.stem} {roles} --by operator",
        )
        self.path = path


class Actuator:
    """Calls functions with approved commands that name it, in order, and reports what came of each.

    What the commands of ours pass is passed here too: the notary's signature, expiry, the order of commands about one
    target, brakes and the brake file of this machine; freezes are confirmed. A function that returns has done it, one
    that raises `homeostat.core.Retry` is called again for a while, one that raises anything else has failed: a canary's
    action is then set once more, or ends. A coroutine function is awaited. Commands are at-least-once: after a crash
    the same order comes again.

    Args:
        name: Service that signed law names: the role `hand:<name>/rollout`, or `hand:<name>/alert-threshold`.
        rollout: Changes which versions serve.
        threshold: Sets alert thresholds.
        bootstrap_servers: Address of the broker; None as `Client` finds it.
        key: Private key of the hand; None: `<name>.pem` in the folder of the keys.
        retry_timeout_seconds: How long an order is tried again.
        settings: In place of the environment's.
        **kafka: As of `Client`.

    Raises:
        ActuatorKeyMissing: It has no key.
        NotaryKeyMissing: Nothing that it reads could be checked.
        ValueError: It has no function.
    """

    def __init__(
        self,
        name: str,
        *,
        rollout: Act | None = None,
        threshold: Act | None = None,
        bootstrap_servers: str | None = None,
        key: Path | Key | None = None,
        retry_timeout_seconds: float = 30.0,
        settings: HostSettings | None = None,
        **kafka: str,
    ) -> None:
        named = {POLICY_ROLLOUT: rollout, POLICY_THRESHOLD: threshold}
        functions: dict[str, Act] = {topic: act for topic, act in named.items() if act is not None}
        if not functions:
            raise ValueError("an actuator needs a function: rollout=… or threshold=…")
        self.settings = client_settings(bootstrap_servers, settings, kafka)
        path = key if isinstance(key, Path) else self.settings.keys_dir / f"{name}.pem"
        try:
            own = key if isinstance(key, Key) else load(path.parent, path.stem)
        except KeyMissing:
            raise ActuatorKeyMissing(path, tuple(functions)) from None
        self._hand = FunctionHand(name, functions, retry_timeout_seconds=retry_timeout_seconds)
        self._cluster = Cluster(self.settings)
        self.runner = HandRunner(
            self._hand,
            public_keys=notary_keys(self.settings.notary_keys, self.settings.keys_dir),
            key=own,
            brake_file=self.settings.brake_file,
            n_partitions=self._cluster.n_partitions,
        )
        self._host = KafkaHands(name.replace("_", "-"), self.runner, self.settings, self._cluster)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"homeostat-{name}", daemon=True)
        self._ended = StopSignal()

    def run(self) -> None:
        """Act until SIGTERM or SIGINT; from the main thread.

        Raises:
            HomeostatError: It cannot go on: the broker went away for good, a topic was deleted.
        """
        self._ended.on_signals()
        with self:
            self._ended.wait()

    def __enter__(self) -> Self:
        """Act in a thread until the block is left.

        Raises:
            BrokerUnreachable: Nobody answers.
        """
        self._cluster.load()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop after the function that is being called; raise what ended the thread."""
        self._host.stop()
        self._thread.join()
        self._hand.close()
        if self._failure is not None and error is None:
            raise self._failure

    @property
    def problem(self) -> str:
        """Why it does not act at present; empty if it does."""
        return str(self._failure) if self._failure is not None else self._host.problem

    def _work(self) -> Any:
        try:
            self._host.run()
        except BaseException as failure:
            self._failure = failure
        self._ended.set()
