"""A hand of a test with its runner, and signed commands and brakes for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id
from homeostat.codec import Output, Record, decode_event
from homeostat.codec.encode import encode_headers, encode_payload
from homeostat.core import CommandExecution, Event, Hand, Identity, Payload, Report
from homeostat.core.identity import emit_id
from homeostat.events import (
    ActionFailed,
    ActionProgressed,
    Arm,
    BrakeSet,
    EventRefused,
    Plan,
    Range,
    RetrainStart,
    Rollout,
    RolloutSet,
)
from homeostat.events.logs import INDICATORS, POLICIES, POLICY_RETRAIN, POLICY_ROLLOUT, QUARANTINE, REPORTS
from homeostat.events.routes import TYPES_IN
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.signer import sign_with

MODEL, FAMILY, NOW = "acme/camera-1", "acme/cameras", 1_000_000


SOURCE = "/homeostat/governor/homeostat.governance/t/0"


def key_of(seed: int) -> Key:
    """A notary's key."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))
    public = private.public_key().public_bytes_raw()
    return Key("notary", key_id(public), public.hex(), private)


NOTARY, OWN = key_of(1), key_of(3)


def command(class_: type[Any] = RolloutSet, **changes: Any) -> Any:
    """A rollout, or a retrain."""
    fields: dict[str, Any] = {
        "action": "learner#1.0",
        "verdict": "v",
        "family": FAMILY,
        "model": MODEL,
        "expires_at": NOW + 1000,
        "champion": "v0",
    }
    if class_ is RetrainStart:
        window = Range(log="l", subject=MODEL, source="/s", first="1.0", last="2.0", from_time=0, rows=1)
        fields |= {"arms": (Arm(name="warm"),), "window": window, "plan": Plan(), "chosen": "warm"}
    else:
        fields |= {"reference": "v0"}
    return class_.model_validate(fields | changes)


def record(
    data: Payload,
    offset: int = 0,
    *,
    key: Key | None = NOTARY,
    topic: str = "",
    place: int = 0,
    subject: str = "",
) -> Record:
    """A record as the governor's host writes it: a command in its own log, everything else in that of rollouts."""
    topic = topic or next(
        (log for log in (POLICY_ROLLOUT, *POLICIES) if isinstance(data, TYPES_IN[log])), POLICY_ROLLOUT
    )
    subject = subject or str(getattr(data, "model", None) or getattr(data, "scope", "*"))
    value, content_type = encode_payload(data)
    headers = encode_headers(
        id_=emit_id(offset),
        source=SOURCE,
        type_=data.TYPE,
        time=NOW,
        subject=subject,
        content_type=content_type,
        story=Identity("story"),
    )
    output = Output(topic, place, subject.encode(), value, headers)
    output = sign_with(key)(output) if key is not None else output
    return Record(topic, "t", place, offset, NOW, subject.encode(), output.value, list(output.headers))


class Work:
    """A task that a test finishes: it acts when its target answers.

    Args:
        hand: Whose.
        event: The command.
    """

    def __init__(self, hand: "Worker", event: Event) -> None:
        self.hand, self.event = hand, event
        self.is_done = self.is_cancelled = False

    def poll(self) -> Iterator[Report]:
        """Act if it can be done."""
        if not self.is_done and self.hand.is_reachable:
            self.is_done = True
            self.hand.acted.append(self.event.identity)
            data = self.event.data
            assert isinstance(data, Rollout | RetrainStart)
            yield Report(
                "progressed",
                ActionProgressed(action=data.action, command="c", kind="rollout", family=data.family, done=1.0),
            )

    def cancel(self) -> None:
        """Give up."""
        self.is_done = self.is_cancelled = True


class Worker:
    """A hand whose target can be away."""

    name = "worker"
    logs: Sequence[str] = (POLICY_ROLLOUT, POLICY_RETRAIN, INDICATORS)

    def __init__(self) -> None:
        self.is_reachable, self.takes = True, True
        self.acted: list[str] = []
        self.work: list[Work] = []
        self.seen: list[tuple[str, bool]] = []

    def start(self, command: Event) -> CommandExecution | None:
        """Begin, unless it is not for this hand."""
        if not self.takes:
            return None
        self.work.append(Work(self, command))
        return self.work[-1]

    def observe(self, event: Event, *, is_braked: bool) -> None:
        """Note."""
        self.seen.append((event.type, is_braked))


class Shop:
    """A runner with its hand.

    Args:
        brake_file: Of the machine.
        max_tasks: At a time.
        n_partitions: Partitions of every topic, as the host knows; None where it is not asked.
        hand: Another one than a worker.
    """

    def __init__(
        self,
        brake_file: Path | None = None,
        max_tasks: int = 4,
        n_partitions: int | None = None,
        hand: Hand | None = None,
    ) -> None:
        self.hand = Worker()
        keys, known = {NOTARY.key_id: NOTARY.public_key_hex}, None if n_partitions is None else lambda _: n_partitions
        self.runner = HandRunner(
            hand or self.hand, public_keys=keys, key=OWN, brake_file=brake_file, max_tasks=max_tasks, n_partitions=known
        )
        self.quarantined: list[EventRefused] = []

    def run(self, *records: Record, now: int = NOW, is_history: bool = False) -> list[Event]:
        """Take records, start what may start, return the reports."""
        for taken in records:
            self.runner.take(taken, now, is_history=is_history)
        self.runner.start_ready(now)
        return self.reports()

    def reports(self) -> list[Event]:
        """What is said; what goes to quarantine is kept apart."""
        said = []
        for output in self.runner.poll(lambda _: 1):
            event = read(output)
            if isinstance(event.data, EventRefused):
                self.quarantined.append(event.data)
            else:
                said.append(event)
        return said


def read(output: Output) -> Event:
    """A report as the door reads it, or a refusal as the quarantine keeps it."""
    assert output.topic in (REPORTS, QUARANTINE)
    made = Record(output.topic, "r", 0, 0, NOW, output.key, output.value, list(output.headers))
    return decode_event(made, time=NOW, emitter="", is_door=True)


def reasons(reports: Sequence[Event]) -> list[str]:
    """Reasons of the failures among them."""
    return [event.data.reason for event in reports if isinstance(event.data, ActionFailed)]


def brake(scope: str = "acme", offset: int = 0, topic: str = POLICY_ROLLOUT, place: int = 0) -> Record:
    """A freeze arrives."""
    return record(BrakeSet(scope=scope, freeze="f#1"), offset, topic=topic, place=place)
