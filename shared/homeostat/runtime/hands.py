"""What every hand's host does: asks the guard before an effect, signs what the hand says of it.

Free of any broker: `take` records in order, `start_ready`, `poll` for reports.
"""

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from homeostat.admission.screening import without_personal
from homeostat.audit.keys import Key
from homeostat.codec import Output, Record
from homeostat.codec.envelope import envelope
from homeostat.commands import BrakeFile, Guard, Refusal, is_way_back
from homeostat.commands.guard import decoded
from homeostat.core import Event, Hand, Observer, Reject, Retry
from homeostat.core.hand import Report
from homeostat.events import ActionFailed, BrakeConfirmed, BrakeSet, Command, Data, Rollout
from homeostat.events.logs import POLICIES, REPORTS
from homeostat.runtime.hand_refusals import HandRefusals
from homeostat.runtime.pending import Pending
from homeostat.telemetry.tracing import NullTracer, Tracer

logger = structlog.get_logger(__name__)
_PAUSE_MS: Final = 250
"""Between two attempts to begin a command."""


class HandRunner:
    """Commands in, reports out.

    Args:
        hand: What acts.
        public_keys: Notary keys by id, hex; what has no valid signature of one is quarantined, and never answered.
        key: The hand's own, with which every report is signed; none only where nobody checks.
        brake_file: If this file exists it names scopes or models (`{"scopes": ["*"]}`) that are braked on this machine.
        max_tasks: Commands under way at a time.
        tracer: Told what is begun.
        n_partitions: Number of partitions of a topic; see `Guard`.
    """

    def __init__(
        self,
        hand: Hand,
        *,
        public_keys: Mapping[str, str],
        key: Key | None = None,
        brake_file: Path | None = None,
        max_tasks: int = 4,
        tracer: Tracer | None = None,
        n_partitions: Callable[[str], int] | None = None,
    ) -> None:
        self.hand, self.n_done = hand, 0
        self.refused: dict[str, int] = {"expired": 0, "braked": 0, "stale": 0, "repeated": 0}
        self.reports: dict[str, int] = {}
        self._guard, self._brake_file = Guard(public_keys, n_partitions), BrakeFile(brake_file)
        self._key, self._max_tasks = key, max_tasks
        self._tracer = tracer or NullTracer()
        self._refusals = HandRefusals(hand.name)
        self._waiting: deque[Pending] = deque()
        self._running: list[Pending] = []
        self._notes: deque[tuple[Event, Report]] = deque()
        self._again_at = 0

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

    @property
    def n_refused(self) -> int:
        """Commands of the notary's that were not begun."""
        return sum(self.refused.values())

    @property
    def quarantined(self) -> Mapping[str, int]:
        """Records of policy logs that are not the notary's, by why: unsigned, unreadable. From any thread."""
        return dict(self._refusals.counts)

    def braked_scopes(self) -> list[str]:
        """Scopes, and single models as `scope/model`, whose brake is set, sorted. From any thread.

        A brake and its release are said to every partition; of all that were read, what the governor said last counts.
        So a command behind the release on its own partition is not refused because another's has not come yet.
        """
        return sorted(self._guard.braked)

    @property
    def command_logs(self) -> tuple[str, ...]:
        """The policy logs among those the hand reads: brakes are looked for in their whole history."""
        return tuple(topic for topic in self.hand.logs if topic in POLICIES)

    def waiting_places(self) -> list[tuple[str, int]]:
        """Partitions whose commands wait."""
        return sorted({(p.event.position.topic, p.event.position.partition) for p in self._waiting})

    def drop(self, topic: str, partition: int) -> None:
        """Forget a partition that another member owns now; it starts the unfinished commands again."""
        for pending in [p for p in self._running if p.is_at(topic, partition)]:
            if pending.task is not None:
                pending.task.cancel()
            self._running.remove(pending)
        self._waiting = deque(p for p in self._waiting if not p.is_at(topic, partition))
        self._guard.forget(topic, partition)

    def oldest(self, topic: str, partition: int) -> int | None:
        """Offset of the oldest unfinished command of a partition: what may be committed ends there."""
        offsets = [
            pending.event.position.offset
            for pending in (*self._waiting, *self._running)
            if pending.is_at(topic, partition)
        ]
        return min(offsets, default=None)

    def take(self, record: Record, now: int, *, is_history: bool = False) -> None:
        """Read one record of a policy log.

        Args:
            record: In offset order.
            now: Broker time, ms.
            is_history: Already answered: its brakes count, and what has come before its commands does not.
        """
        if record.topic not in POLICIES:
            self._observe(record)
            return
        if is_history:
            self._guard.read_history(record)
            return
        try:
            event = self._guard.read(record)
        except Reject as reject:
            self._refusals.take(record, reject)
            return
        self._refusals.admitted(record)
        if isinstance(event.data, Command):
            if event.data.hand in (None, self.hand.name):  # else another one's, and answered by it
                self._waiting.append(Pending(event))
        elif isinstance(event.data, BrakeSet) and event.data.scope in self._guard.braked:
            self._halt_rollouts()
            self._confirm(event, event.data)

    def _observe(self, record: Record) -> None:
        """Show a fact of another log to a hand that takes note of them; commands are none."""
        if not isinstance(self.hand, Observer):
            return
        try:
            event = decoded(record)
        except Reject:
            return
        self.hand.observe(event, is_braked=self._is_braked(event))

    def _halt_rollouts(self) -> None:
        """Answer rollouts that wait for their target: they would act in the freeze. Trainings hold what they have."""
        for pending in self._running:
            command = pending.event.data
            if pending.task is None or pending.is_done or not isinstance(command, Rollout):
                continue
            if is_way_back(command) or command.is_emergency or not self._is_braked(pending.event):
                continue
            pending.task.cancel()
            why = Refusal("braked", "the scope was frozen on the way")
            pending.reports.append(self._failed(command, pending.event, why))
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
        """Start what may start; answer at once what may not. What is stale or a repeat has been answered.

        A command whose start raises `Retry` is tried again at the next call but one quarter of a second later at the
        earliest, before those behind it, until it starts, expires or is braked.

        Args:
            now: ms.
        """
        while self._waiting and len(self._running) < self._max_tasks and now >= self._again_at:
            pending = self._waiting.popleft()
            judge = self._guard.judge_again if pending.is_tried else self._guard.judge
            refusal = judge(pending.event, now, self._brake_file.scopes())
            if refusal is not None:
                self._refuse(pending.event, refusal)
            elif not self._begin(pending):
                self._again_at = now + _PAUSE_MS

    def _begin(self, pending: Pending) -> bool:
        try:
            with self._tracer.span_for(pending.event, group=self.hand.name):
                pending.task = self.hand.start(pending.event)
        except Retry as trouble:
            if not pending.is_tried:
                logger.warning(
                    "command_not_begun", hand=self.hand.name, command=pending.event.identity, why=str(trouble)
                )
            pending.is_tried = True
            self._waiting.appendleft(pending)
            return False
        self._running.append(pending)
        pending.collect()  # now, so that a brake never cancels an effect that nobody has heard of
        return True

    def _refuse(self, event: Event, refusal: Refusal) -> None:
        self.refused[refusal.reason] += 1
        if refusal.reason in ("expired", "braked"):
            assert isinstance(event.data, Command)
            self._notes.append((event, self._failed(event.data, event, refusal)))

    def _is_braked(self, event: Event) -> bool:
        return self._guard.is_braked(event, self._brake_file.scopes())

    @staticmethod
    def _failed(command: Command, event: Event, refusal: Refusal) -> Report:
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
                "reason": refusal.reason,
                "detail": refusal.detail,
            }
        )
        return Report("failed", failed)

    def poll(self, n_partitions: Callable[[str], int]) -> list[Output]:
        """Return the records of what has happened since the last call: reports, and what goes to quarantine."""
        outputs = self._refusals.outputs(n_partitions)
        outputs += [self._output(event, report, n_partitions) for event, report in self._notes]
        self._notes.clear()
        for pending in self._running:
            if pending.task is not None:
                pending.collect()
            outputs += [self._output(pending.event, report, n_partitions) for report in pending.reports]
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

    def _output(self, event: Event, report: Report, n_partitions: Callable[[str], int]) -> Output:
        self.reports[report.data.TYPE] = self.reports.get(report.data.TYPE, 0) + 1
        data = without_personal(report.data) if isinstance(report.data, Data) else report.data
        subject = event.subject if report.subject is None else report.subject
        id_, source = f"{event.identity}#{report.stage}", f"/homeostat/hand/{self.hand.name}"
        output = envelope(
            REPORTS,
            subject,
            data,
            id_=id_,
            source=source,
            time=event.time,
            n_partitions=n_partitions(REPORTS),
            story=event.story,
            cause=event.identity,
        )
        if self._key is not None:  # what is signed can be redacted by nobody after that
            output.headers += [
                *self._key.headers(report.data.TYPE, subject, source, id_, output.value or b""),
                ("public-key", self._key.public_key_hex.encode()),
            ]
        return output
