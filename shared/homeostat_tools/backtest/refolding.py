"""Governance folded anew by the governor's own code, under other law; what that law has no record of is imagined.

Proposals, reports and judgements stay as they were recorded: what the learner would have proposed after another verdict
is not known. Where an action is approved that was not, nothing of what it would have done lies in the logs: it ends
after the time that actions of its kind took, at the money it asked for, and changes no champion. Where one is denied
that was approved, later proposals still speak of the champion that it left, so the registry follows the record.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from homeostat.client.logs import Logs
from homeostat.codec import Record, decode_event
from homeostat.core import Event, Fold, Reject
from homeostat.events import (
    ActionApplied,
    ActionProgressed,
    ActionProposed,
    ActionReverted,
    ActionSettled,
    BrakeConfirmed,
    BurnReported,
    CanaryJudged,
    ClockTicked,
    FamilyObserved,
    RuleResult,
    VerdictGiven,
)
from homeostat.events.logs import GOVERNANCE, GOVERNANCE_KEY, VERDICTS
from homeostat_tools.backtest.other_law import OtherLaw
from homeostat_tools.cli.rendering import attributes, event_of

_PASSED_OVER: Final = frozenset(
    cls.TYPE for cls in (ActionProgressed, BrakeConfirmed, BurnReported, CanaryJudged, FamilyObserved)
)
"""Types that change no verdict: told apart by their header, and never decoded."""

_DEFAULT_DURATION_MS: Final = 3_600_000
"""Of an imagined action, where none of its kind has ended."""


@dataclass(slots=True)
class Verdict:
    """What was said of an action.

    Args:
        word: approved, denied or held; expired where nothing else was said.
        time: Broker time of the first verdict, ms.
        rules: Of the verdict that counted.
        first_word: Of the first verdict.
        first_rules: Of the first verdict.
        approved_at: Broker time, ms; 0: never.
    """

    word: str
    time: int
    rules: tuple[RuleResult, ...]
    first_word: str
    first_rules: tuple[RuleResult, ...]
    approved_at: int = 0

    @property
    def failing(self) -> str:
        """What failing rules said."""
        return "; ".join(f"{rule.rule}: {rule.reason}" for rule in self.rules if not rule.passed)

    def take(self, data: VerdictGiven, time: int) -> None:
        """Take a later verdict on the same action; an expiry ends it and decides nothing."""
        if data.verdict != "expired":
            self.word, self.rules = data.verdict, data.rules
        if data.verdict == "approved":
            self.approved_at = self.approved_at or time


@dataclass(slots=True)
class Refolded:
    """Outcome.

    Args:
        verdicts: By action, in the order in which they were proposed.
        proposals: By action.
        n_events: Records of governance that were looked at.
        n_folded: Of them, those that the governor has folded.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    proposals: dict[str, Event] = field(default_factory=dict)
    n_events: int = 0
    n_folded: int = 0


def recorded_verdicts(logs: Logs) -> dict[str, Verdict]:
    """Read what was said of every action."""
    found: dict[str, Verdict] = {}
    for record in logs.read([VERDICTS]):
        if attributes(record).type != VerdictGiven.TYPE:
            continue
        try:
            event = event_of(record)
        except Reject:
            continue
        if isinstance(event.data, VerdictGiven):
            _note(found, event.data, event.time)
    return found


def durations_of(logs: Logs, recorded: Mapping[str, Verdict]) -> dict[str, int]:
    """Read how long actions took from approval to their end: median by kind, ms."""
    took: dict[str, dict[str, int]] = {}
    for record in logs.read([GOVERNANCE]):
        if attributes(record).type not in (ActionSettled.TYPE, ActionApplied.TYPE):
            continue
        try:
            data = event_of(record).data
        except Reject:
            continue
        is_end = isinstance(data, ActionSettled) or (isinstance(data, ActionApplied) and data.rollout is None)
        known = recorded.get(data.action) if isinstance(data, ActionSettled | ActionApplied) else None
        if is_end and known is not None and known.approved_at:
            assert isinstance(data, ActionSettled | ActionApplied)
            took.setdefault(data.kind, {}).setdefault(data.action, max(1, record.timestamp - known.approved_at))
    return {kind: int(median(times.values())) for kind, times in took.items()}


class Refolding:
    """Folds governance under other law.

    Args:
        governor: Fresh.
        recorded: What was said of every action.
        durations: From approval to end, by kind, ms, see `durations_of`.
        law: What holds instead; may be set later.
        since: Broker time from which it holds, ms.
    """

    def __init__(
        self,
        governor: Fold[Any],
        recorded: Mapping[str, Verdict],
        durations: Mapping[str, int] | None = None,
        law: OtherLaw | None = None,
        since: int = 0,
    ) -> None:
        self.governor, self.recorded, self.law, self.since = governor, recorded, law, since
        self.state = governor.initial(GOVERNANCE_KEY)
        self.result = Refolded()
        self._is_imposed, self._now = False, 0
        self._sequences: dict[str, str] = {}
        self._imagined: list[tuple[int, str, Event]] = []
        self._durations = durations or {}

    def run(self, records: Iterable[Record], progress: Callable[[int], None] = lambda n: None) -> Refolded:
        """Fold records of governance in; return what is known after the last."""
        for event in self.events(records, progress):
            self.fold_in(event)
        return self.result

    def events(self, records: Iterable[Record], progress: Callable[[int], None] = lambda n: None) -> Iterator[Event]:
        """Yield what may change a verdict, without repeats; what it is not asked for is not decoded."""
        for record in records:
            self.result.n_events += 1
            progress(self.result.n_events)
            about = attributes(record)
            if about.type in _PASSED_OVER:
                continue
            if about.sequence:
                if about.sequence <= self._sequences.get(about.source, ""):
                    continue
                self._sequences[about.source] = about.sequence
            self._now = max(self._now, record.timestamp)
            emitter = f"/homeostat/{self.governor.name}/{GOVERNANCE}/{record.topic_id}/{record.partition}"
            try:
                yield decode_event(record, time=self._now, emitter=emitter, is_door=False)
            except Reject:
                continue

    def fold_in(self, event: Event) -> None:
        """Fold one event in, after what was due before it."""
        if self.law is not None and event.time >= self.since:
            if not self._is_imposed:
                self.law.impose(self.state, event.time)
                self._is_imposed = True
            if self.law.replaces(event.data):
                return
        self._until(event)
        self.result.n_folded += 1
        if isinstance(event.data, ActionProposed):
            self.result.proposals[event.identity] = event
        self._step(event)

    def _step(self, event: Event) -> None:
        try:
            self.state, emits = self.governor.step(self.state, event)
        except Reject:
            self._follow(event)
            return
        for emit in emits:
            if isinstance(emit.data, VerdictGiven) and emit.log == VERDICTS:
                _note(self.result.verdicts, emit.data, event.time)
                self._imagine(emit.data, event)

    def _follow(self, event: Event) -> None:
        """Let the registry follow what was reported of an action that is not one here."""
        data = event.data
        if isinstance(data, ActionApplied | ActionReverted) and data.rollout is not None and data.model:
            self.state.registry.serve(data.model, data.rollout.champion, data.rollout.champion_artifact)

    def _imagine(self, data: VerdictGiven, event: Event) -> None:
        """Plan the end of an action that is approved here and was not in the record."""
        known = self.recorded.get(data.action)
        if data.verdict != "approved" or (known is not None and known.approved_at):
            return
        due = event.time + self._durations.get(data.kind, _DEFAULT_DURATION_MS)
        heapq.heappush(self._imagined, (due, data.action, event))

    def _until(self, event: Event) -> None:
        """End what was due before an event: imagined actions, and what has outlived its time."""
        while self._imagined and self._imagined[0][0] <= event.time:
            due, action, begun = heapq.heappop(self._imagined)
            found = self.state.flight.actions.get(action)
            if found is not None:
                kind, model = found.proposal.kind, found.proposal.model
                ended = ActionSettled(action=action, kind=kind, model=model, state="aborted", cost=found.reserved)
                self._step(_at(begun, due, ended))
        while (at := self.governor.wake_at(self.state)) is not None and at <= event.time:
            self._step(_at(event, at, ClockTicked(due=at)))
            if self.governor.wake_at(self.state) == at:
                return


def _at(like: Event, time: int, data: Any) -> Event:
    from dataclasses import replace

    return replace(like, time=time, data=data, type=data.TYPE, subject=GOVERNANCE_KEY, source="/homeostat/backtest")


def _note(found: dict[str, Verdict], data: VerdictGiven, time: int) -> None:
    known = found.setdefault(data.action, Verdict(data.verdict, time, data.rules, data.verdict, data.rules))
    known.take(data, time)
