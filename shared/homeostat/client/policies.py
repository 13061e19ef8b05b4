"""Approved commands as they come, once each, typed."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from homeostat.client.logs import Logs, Place, Since
from homeostat.codec import Record, decode_event
from homeostat.core import Event, Identity, Reject
from homeostat.events import BrakeReleased, BrakeSet, Command
from homeostat.events.logs import POLICY_META_TRAINING, POLICY_RETRAIN, POLICY_ROLLOUT, POLICY_THRESHOLD

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
        is_braked: Its scope was frozen when this was read. Do not act on it then; only aborts and reverts may.
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
        source, sequence = headers.get("ce_source", b"").decode(), headers.get("ce_sequence", b"").decode()
        key = (record.topic, record.partition, source)
        if not sequence or sequence <= self._watermarks.get(key, ""):
            return not sequence
        self._watermarks[key] = sequence
        return True


class Policies:
    """An endless iterator over approved commands; `close` from another thread ends it.

    The history is read too, for its brakes and to know repeats; with `since="now"` its commands are left out.

    Args:
        logs: Where from.
        kinds: Of `KINDS`; empty for all.
        model: `scope/model`, or None for every one.
        since: `now` or `beginning`.
    """

    def __init__(self, logs: Logs, kinds: Collection[str] = (), model: str | None = None, since: Since = "now") -> None:
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or since not in ("now", "beginning"):
            raise ValueError(f"kinds are {', '.join(KINDS)}, since is now or beginning; not {unknown or since!r}")
        topics = [KINDS[kind] for kind in (kinds or KINDS)]
        ranges = logs.ranges(topics)
        self._starts: Mapping[Place, int] = {
            place: high if since == "now" else 0 for place, (_, high) in ranges.items()
        }
        self._follower = logs.follow({place: low for place, (low, _) in ranges.items()})
        self._model, self._once = model, Once()
        self._brakes: dict[Place, set[str]] = {}
        self._ready: list[Policy[Command]] = []
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Policy[Command]]:
        """Yield until `close`."""
        return self

    def __next__(self) -> Policy[Command]:
        """Wait for the next one."""
        while not self._closed.is_set():
            policy = self.poll(_POLL_SECONDS)
            if policy is not None:
                return policy
        self._follower.close()
        raise StopIteration

    def poll(self, timeout_seconds: float) -> Policy[Command] | None:
        """Return the next one, or None when there is none in this time."""
        if not self._ready:
            for record in self._follower.poll(timeout_seconds):
                self._take(record)
        return self._ready.pop(0) if self._ready else None

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._closed.set()

    def _take(self, record: Record) -> None:
        if not self._once.is_new(record):
            return
        try:
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject as reject:
            log.warning("policy_unreadable", log=record.topic, offset=record.offset, reason=str(reject))
            return
        place = (record.topic, record.partition)
        brakes = self._brakes.setdefault(place, set())
        if isinstance(event.data, BrakeSet):
            brakes.add(event.data.scope)
        elif isinstance(event.data, BrakeReleased):
            brakes.discard(event.data.scope)
        elif isinstance(event.data, Command) and self._is_wanted(event.data, place, record.offset):
            is_braked = bool(brakes & {"*", event.subject.partition("/")[0]})
            self._ready.append(Policy(event, event.data, is_braked))

    def _is_wanted(self, command: Command, place: Place, offset: int) -> bool:
        return offset >= self._starts.get(place, 0) and self._model in (None, command.model)


class Listener:
    """Calls a function for every policy in a thread of its own.

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

    @property
    def is_running(self) -> bool:
        """Whether it still listens."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it, after the call under way.

        Raises:
            Exception: What the callback raised.
        """
        self._policies.close()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            for policy in self._policies:
                self._callback(policy)
        except Exception as failure:
            self.failure = failure
            log.exception("policy_callback_failed")
