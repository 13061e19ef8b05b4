"""What every hand's host checks before an effect: signature, expiry, brake; and how reports are made.

Free of any broker: `take` records in order, `start_ready`, `poll` for reports.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from homeostat.audit.signing import signed_bytes, verify
from homeostat.codec import Output, Record, decode_event, encode_payload
from homeostat.codec.encode import encode_headers, partition_of
from homeostat.core import Event, Hand, Identity, Observer, Reject, Task
from homeostat.core.hand import Report
from homeostat.events import ActionFailed, BrakeConfirmed, BrakeReleased, BrakeSet, Command, Rollout
from homeostat.events.logs import POLICIES, REPORTS
from homeostat.telemetry import NullTracer, Tracer

_EVERYWHERE: Final = "*"


@dataclass(slots=True)
class _Pending:
    """A command on its way, and the reports it has not sent yet."""

    event: Event
    task: Task | None = None
    reports: deque[Report] = field(default_factory=deque)
    is_done: bool = False


def _is_way_back(command: Command) -> bool:
    """Open at any time, brake or not."""
    return command.TYPE.endswith((".abort.v1", ".revert.v1"))


def _is_at(pending: _Pending, topic: str, partition: int) -> bool:
    position = pending.event.position
    return (position.topic, position.partition) == (topic, partition)


class HandRunner:
    """Commands in, reports out.

    Args:
        hand: What acts.
        public_keys: Notary keys by id, hex; a command without a valid signature of one never acts.
        brake_file: If this file exists it names scopes (`{"scopes": ["*"]}`) that are braked on this machine.
        max_tasks: Commands under way at a time.
        tracer: Told what is begun.
    """

    def __init__(
        self,
        hand: Hand,
        *,
        public_keys: Mapping[str, str],
        brake_file: Path | None = None,
        max_tasks: int = 4,
        tracer: Tracer | None = None,
    ) -> None:
        self.hand, self.n_done, self.n_refused = hand, 0, 0
        self._keys, self._brake_file, self._max_tasks = public_keys, brake_file, max_tasks
        self.reports: dict[str, int] = {}
        self._tracer = tracer or NullTracer()
        self._brakes: dict[tuple[str, int], dict[str, tuple[tuple[int, int], bool]]] = {}
        self._waiting: deque[_Pending] = deque()
        self._running: list[_Pending] = []
        self._notes: deque[tuple[Event, Report]] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether a command is waiting or under way."""
        return bool(self._waiting or self._running)

    @property
    def is_waiting(self) -> bool:
        """Whether a command could be started now."""
        return bool(self._waiting) and len(self._running) < self._max_tasks

    @property
    def n_running(self) -> int:
        """Commands under way."""
        return len(self._running)

    def braked_scopes(self) -> list[str]:
        """Scopes whose brake is set, sorted.

        A brake and its release are said to every partition; of all that were read, what the governor said last counts.
        So a command behind the release on its own partition is not refused because another's has not come yet.
        """
        last: dict[str, tuple[tuple[int, int], bool]] = {}
        for brakes in list(self._brakes.values()):
            for scope, said in list(brakes.items()):
                if scope not in last or said > last[scope]:
                    last[scope] = said
        return sorted(scope for scope, (_, is_set) in last.items() if is_set)

    @property
    def command_logs(self) -> tuple[str, ...]:
        """The policy logs among those the hand reads: brakes are looked for in their whole history."""
        return tuple(topic for topic in self.hand.logs if topic in POLICIES)

    def waiting_places(self) -> list[tuple[str, int]]:
        """Partitions whose commands wait."""
        return sorted({(p.event.position.topic, p.event.position.partition) for p in self._waiting})

    def drop(self, topic: str, partition: int) -> None:
        """Forget a partition that another member owns now; it starts the unfinished commands again."""
        for pending in [p for p in self._running if _is_at(p, topic, partition)]:
            if pending.task is not None:
                pending.task.cancel()
            self._running.remove(pending)
        self._waiting = deque(p for p in self._waiting if not _is_at(p, topic, partition))
        self._brakes.pop((topic, partition), None)

    def oldest(self, topic: str, partition: int) -> int | None:
        """Offset of the oldest unfinished command of a partition: what may be committed ends there."""
        offsets = [
            pending.event.position.offset
            for pending in (*self._waiting, *self._running)
            if (pending.event.position.topic, pending.event.position.partition) == (topic, partition)
        ]
        return min(offsets, default=None)

    def take(self, record: Record, now: int, *, is_history: bool = False) -> None:
        """Read one record of a policy log.

        Args:
            record: In offset order.
            now: Broker time, ms.
            is_history: Already answered: only its brakes count.
        """
        try:
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
        except Reject:
            return  # nothing but the governor writes here; what cannot be read cannot be obeyed
        brakes = self._brakes.setdefault((record.topic, record.partition), {})
        if isinstance(event.data, BrakeSet):
            brakes[event.data.scope] = (_order(event), True)
            self._halt_rollouts()
            self._confirm(event, event.data)
        elif isinstance(event.data, BrakeReleased):
            brakes[event.data.scope] = (_order(event), False)
        elif isinstance(event.data, Command):
            if not is_history:
                self._waiting.append(_Pending(event))
        elif isinstance(self.hand, Observer):
            self.hand.observe(event, is_braked=self._is_braked(event))

    def _halt_rollouts(self) -> None:
        """Answer rollouts that wait for their target: they would act in the freeze. Trainings hold what they have."""
        for pending in self._running:
            command = pending.event.data
            if pending.task is None or pending.is_done or not isinstance(command, Rollout):
                continue
            if _is_way_back(command) or command.is_emergency or not self._is_braked(pending.event):
                continue
            pending.task.cancel()
            pending.reports.append(self._failed(command, pending.event, "braked", "the scope was frozen on the way"))
            pending.is_done = True

    def _confirm(self, event: Event, brake: BrakeSet) -> None:
        confirmed = BrakeConfirmed(
            hand=self.hand.name,
            log=event.position.topic,
            partition=event.position.partition,
            freeze=brake.freeze,
            scope=brake.scope,
        )
        stage = f"confirmed.{self.hand.name}.{event.position.topic}.{event.position.partition}"
        self._notes.append((event, Report(stage, confirmed, brake.scope)))

    def start_ready(self, now: int) -> None:
        """Start what may start; answer at once what may not."""
        while self._waiting and len(self._running) < self._max_tasks:
            pending = self._waiting.popleft()
            self._running.append(pending)
            refusal = self._refusal(pending.event, now)
            if refusal is not None:
                pending.reports.append(refusal)
                pending.is_done = True
                self.n_refused += 1
                continue
            with self._tracer.span_for(pending.event, group=self.hand.name):
                pending.task = self.hand.start(pending.event)
            self._collect(pending)  # now, so that a brake never cancels an effect that nobody has heard of

    @staticmethod
    def _collect(pending: _Pending) -> None:
        if pending.task is None:
            pending.is_done = True
        elif not pending.is_done:
            pending.reports.extend(pending.task.poll())
            pending.is_done = pending.task.is_done

    def _refusal(self, event: Event, now: int) -> Report | None:
        command = event.data
        assert isinstance(command, Command)
        public = self._keys.get(event.key_id or "")
        signed = signed_bytes(event.type, event.subject, event.source, event.id, event.content)
        if public is None or event.signature is None or not verify(public, event.signature, signed):
            return self._failed(command, event, "unsigned", "no valid signature of the notary")
        if _is_way_back(command):
            return None
        if now > command.expires_at:
            return self._failed(command, event, "expired", f"expired {(now - command.expires_at) / 1000:.1f} s ago")
        if self._is_braked(event) and not command.is_emergency:
            return self._failed(command, event, "braked", "the scope is frozen")
        return None

    def _is_braked(self, event: Event) -> bool:
        scope = event.subject.partition("/")[0]
        if {scope, _EVERYWHERE} & set(self.braked_scopes()):
            return True
        scopes = self._scopes_of_file()
        return scopes is None or scope in scopes or _EVERYWHERE in scopes

    def _scopes_of_file(self) -> list[str] | None:
        """Scopes braked on this machine; None if the file cannot be read, which brakes them all."""
        if self._brake_file is None:
            return []
        try:
            return [str(scope) for scope in json.loads(self._brake_file.read_text())["scopes"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def _failed(command: Command, event: Event, reason: str, detail: str) -> Report:
        kind = {"retrain": "retrain", "rollout": "rollout", "threshold": "threshold"}.get(
            command.TYPE.split(".")[1], "meta_training"
        )
        failed = ActionFailed.model_validate(
            {
                "action": command.action,
                "command": event.identity,
                "kind": kind,
                "family": command.family,
                "model": command.model,
                "reason": reason,
                "detail": detail,
            }
        )
        return Report("failed", failed)

    def poll(self, places: Callable[[str], int]) -> list[Output]:
        """Return the records of what has happened since the last call."""
        outputs = [self._output(event, report, places) for event, report in self._notes]
        self._notes.clear()
        for pending in self._running:
            if pending.task is not None:
                self._collect(pending)
            outputs += [self._output(pending.event, report, places) for report in pending.reports]
            pending.reports.clear()
        self.n_done += sum(pending.is_done for pending in self._running)
        self._running = [pending for pending in self._running if not pending.is_done]
        return outputs

    def cancel(self) -> None:
        """Stop every task; its command will be started again by whoever reads it next."""
        for pending in self._running:
            if pending.task is not None:
                pending.task.cancel()
        self._running.clear()
        self._waiting.clear()

    def _output(self, event: Event, report: Report, places: Callable[[str], int]) -> Output:
        self.reports[report.data.TYPE] = self.reports.get(report.data.TYPE, 0) + 1
        value, content_type = encode_payload(report.data)
        subject = event.subject if report.subject is None else report.subject
        headers = encode_headers(
            id_=f"{event.identity}#{report.stage}",
            source=f"/homeostat/hand/{self.hand.name}",
            type_=report.data.TYPE,
            time=event.time,
            subject=subject,
            content_type=content_type,
            story=Identity(event.story),
            cause=event.identity,
        )
        key = subject.encode()
        return Output(REPORTS, partition_of(key, places(REPORTS)), key, value, headers)


def _order(event: Event) -> tuple[int, int]:
    """Place of what the governor said among all it says: the position it read, and which output of it."""
    offset, _, ordinal = event.id.partition(".")
    return (int(offset), int(ordinal)) if offset.isdigit() and ordinal.isdigit() else (0, 0)
