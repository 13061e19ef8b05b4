"""Approved commands as they come, once each, typed; what is not the notary's, has expired or is stale never comes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from homeostat.client import ending
from homeostat.client.address import resolve
from homeostat.client.forking import drop_in_children
from homeostat.client.logs import Logs, Place, Since
from homeostat.codec import Record
from homeostat.commands import BrakeFile, Guard, is_way_back, notary_keys
from homeostat.commands.notary_keys import NotaryKeys
from homeostat.core import Event, Identity, Reject, Retry
from homeostat.events import Command
from homeostat.events.logs import POLICY_META_TRAINING, POLICY_RETRAIN, POLICY_ROLLOUT, POLICY_THRESHOLD
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.settings import HostSettings

log = structlog.get_logger(__name__)

KINDS: Final = {
    "rollout": POLICY_ROLLOUT,
    "retrain": POLICY_RETRAIN,
    "threshold": POLICY_THRESHOLD,
    "meta_training": POLICY_META_TRAINING,
}
"""Log of each kind of action."""

_POLL_SECONDS: Final = 0.1
D = TypeVar("D", bound=Command, covariant=True)


@dataclass(frozen=True, slots=True)
class Policy(Generic[D]):
    """One approved command.

    Args:
        event: As it lies in the log: identity, time, signature.
        data: The command: `RetrainStart`, `RolloutSet`, …
        is_braked: Its scope or model is frozen, or was when this was read: do not act on it. Never so for aborts,
            reverts and emergencies, which a brake does not hold.
    """

    event: Event
    data: D
    is_braked: bool = False

    @property
    def action(self) -> Identity:
        """The action it belongs to; `homeostat story` takes it."""
        return Identity(self.data.action)

    @property
    def verdict(self) -> Identity:
        """Identity of the verdict that allows it."""
        return Identity(self.data.verdict)

    @property
    def model(self) -> str | None:
        """`scope/model`; None for a meta-training."""
        return self.data.model

    @property
    def type(self) -> str:
        """CloudEvents type."""
        return self.event.type


class Once:
    """Drops repeats of an internal log: a host that was killed may say again what it had said."""

    def __init__(self) -> None:
        self._watermarks: dict[tuple[str, int, str], str] = {}

    def is_new(self, record: Record) -> bool:
        """Whether this (source, id) was not seen before; call in offset order."""
        headers = dict(record.headers)
        source = (headers.get("ce_source") or b"").decode(errors="replace")
        sequence = (headers.get("ce_sequence") or b"").decode(errors="replace")
        key = (record.topic, record.partition, source)
        if not sequence or sequence <= self._watermarks.get(key, ""):
            return not sequence
        self._watermarks[key] = sequence
        return True


class Policies:
    """An endless iterator over approved commands; `close` from another thread ends it.

    It waits for a broker that is away, and raises `BrokerUnreachable` once it has been for a minute; the next call
    goes on waiting, and nothing is missed.

    The history is read too, for its brakes and to know repeats; with `since="now"` its commands are left out.

    Handed out is what the guard of the hands would let pass, and what is braked, marked so. What is unsigned or
    unreadable, has expired, or is stale (a later command of the same source about the same target was handed out) is
    logged once, counted and left out; so are repeats, silently.

    Args:
        logs: Where from.
        kinds: Of `KINDS`; empty for all.
        model: `scope/model`, or None for every one.
        since: `now` or `beginning`.
        notary: Public keys of the notary; see `Client`.
        settings: Where its keys are else, and the brake file of this machine; None: those of the environment.
        clock: ms since the epoch, for expiry.

    Raises:
        NotaryKeyMissing: Nothing could be checked.
        ValueError: There are no such kinds.
    """

    def __init__(
        self,
        logs: Logs,
        kinds: Collection[str] = (),
        model: str | None = None,
        since: Since = "now",
        *,
        notary: NotaryKeys | None = None,
        settings: HostSettings | None = None,
        clock: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or since not in ("now", "beginning"):
            raise ValueError(f"kinds are {', '.join(KINDS)}, since is now or beginning; not {unknown or since!r}")
        topics = [KINDS[kind] for kind in (kinds or KINDS)]
        ranges = logs.ranges(topics)
        settings = settings or resolve(settings_of_environment(HostSettings))
        self._guard = Guard(notary_keys(notary or settings.notary_keys, settings.keys_dir), logs.n_partitions)
        self._starts: Mapping[Place, int] = {
            place: high if since == "now" else 0 for place, (_, high) in ranges.items()
        }
        self._follower = logs.follow({place: low for place, (low, _) in ranges.items()})
        self._model, self._brake_file, self._clock = model, BrakeFile(settings.brake_file), clock
        self.n_dropped: dict[str, int] = {}
        """What was left out, by reason: unsigned, expired, stale, repeated, or why it cannot be read."""
        self._ready: deque[tuple[Event, bool]] = deque()
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Policy[Command]]:
        """Yield until `close`."""
        return self

    def __next__(self) -> Policy[Command]:
        """Wait for the next one.

        Raises:
            BrokerUnreachable: Nobody has answered for a minute.
        """
        while not self._closed.is_set():
            policy = self.poll(_POLL_SECONDS)
            if policy is not None:
                return policy
        self._follower.close()
        raise StopIteration

    def poll(self, timeout_seconds: float) -> Policy[Command] | None:
        """Return the next one, or None when there is none in this time.

        Raises:
            BrokerUnreachable: Nobody has answered for a minute.
        """
        if not self._ready:
            for record in self._follower.poll(timeout_seconds):
                self._take(record)
        while self._ready:
            event, was_braked = self._ready.popleft()
            if (policy := self._judged(event, was_braked=was_braked)) is not None:
                return policy
        return None

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._closed.set()

    def _take(self, record: Record) -> None:
        if record.offset < self._starts.get((record.topic, record.partition), 0):
            self._guard.read_history(record)
            return
        try:
            event = self._guard.read(record)
        except Reject as reject:
            self._dropped(reject.reason, record.topic, record.partition, record.offset, reject.detail)
            return
        if isinstance(event.data, Command) and self._model in (None, event.data.model):
            self._ready.append((event, self._guard.is_braked(event, self._brake_file.scopes())))

    def _judged(self, event: Event, *, was_braked: bool) -> Policy[Command] | None:
        """Ask the guard at the moment of handing out: a command may have expired while it waited."""
        command, refusal = event.data, self._guard.judge(event, self._clock(), self._brake_file.scopes())
        assert isinstance(command, Command)
        if refusal is None:
            return Policy(event, command, was_braked and not (command.is_emergency or is_way_back(command)))
        if refusal.reason == "braked":
            return Policy(event, command, is_braked=True)
        at = event.position
        self._dropped(refusal.reason, at.topic, at.partition, at.offset, refusal.detail)
        return None

    def _dropped(self, reason: str, topic: str, partition: int, offset: int, detail: str) -> None:
        self.n_dropped[reason] = self.n_dropped.get(reason, 0) + 1
        if reason != "repeated":
            log.warning("policy_dropped", reason=reason, log=topic, partition=partition, offset=offset, detail=detail)


class Listener:
    """Calls a function for every policy in a thread of its own. A broker that is away is waited for, and logged.

    Args:
        policies: What to read; closed at the end.
        callback: Called in that thread, one policy after the other. If it raises, the listener ends and `stop`
            raises the same: an unanswered command is never passed over silently.
    """

    def __init__(self, policies: Policies, callback: Callable[[Policy[Command]], None]) -> None:
        self._policies, self._callback = policies, callback
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="homeostat-policies", daemon=True)
        self._thread.start()
        drop_in_children(self)

    @property
    def is_running(self) -> bool:
        """Whether it still listens."""
        return self._thread.is_alive()

    def stop(self, timeout_seconds: float | None = None) -> None:
        """End it, after the call under way.

        Args:
            timeout_seconds: Longest time to wait for that call; None: as long as it takes.

        Raises:
            TimeoutError: The callback is still at work.
            Exception: What the callback raised.
        """
        self._policies.close()
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"the callback is still at work after {timeout_seconds:g} s; stop again to wait on")
        if self.failure is not None:
            raise self.failure

    def after_fork(self) -> None:
        """See `Forkable`: silence would look like nothing to do."""
        if self._thread.ident != threading.get_ident():
            # Not structlog, whose lock another thread may have held when the process forked.
            ending.log.warning(
                "homeostat: on_policy does not listen in a forked process; call it there to listen there"
            )

    def _run(self) -> None:
        try:
            while (policy := self._next()) is not None:
                self._callback(policy)
        except Exception as failure:
            self.failure = failure
            log.exception("policy_callback_failed")

    def _next(self) -> Policy[Command] | None:
        while True:
            try:
                return next(self._policies, None)
            except Retry as away:
                log.warning("policies_wait", reason=str(away))
