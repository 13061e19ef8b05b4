"""Decisions that lie in the logs: what was proposed for a model and why, what the rules said, and what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat import events
from homeostat.client.logs import Logs
from homeostat.core import Event, Reject
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, VERDICTS
from homeostat_tools.cli.one_line import summary
from homeostat_tools.cli.rendering import attributes, event_of

_READ: Final = {
    cls.TYPE
    for cls in (
        events.ActionApplied,
        events.ActionProposed,
        events.ActionRequested,
        events.ActionReverted,
        events.ActionSettled,
        events.CandidateEvaluated,
        events.CandidateTrained,
        events.DriftDetected,
        events.OutcomeMeasured,
        events.OutcomeRevised,
        events.VerdictGiven,
    )
}
_SERVING: Final = ("retrain", "rollout")


@dataclass(slots=True)
class Decision:
    """One proposal and all that followed.

    Args:
        id: Of the action.
        event: The proposal.
        drift: What it rests on, if a drift opened its story.
        verdicts: In order.
        trained: Reports of arms, by arm.
        evaluated: Payoffs by arm.
        outcome: The last one.
        settled: The end.
        promoted_at: Broker time at which a hand had put its version in the champion's place, ms; 0: never.
        first_served_at: Broker time of its first rollout, ms; 0: never.
        is_reverted: It was taken back.
    """

    id: str
    event: Event
    drift: Event | None = None
    verdicts: list[Event] = field(default_factory=list)
    trained: dict[str, events.CandidateTrained] = field(default_factory=dict)
    evaluated: dict[str, events.CandidateEvaluated] = field(default_factory=dict)
    outcome: events.OutcomeMeasured | None = None
    settled: events.ActionSettled | None = None
    promoted_at: int = 0
    first_served_at: int = 0
    is_reverted: bool = False

    @property
    def proposal(self) -> Any:
        """Its payload."""
        return self.event.data

    @property
    def verdict(self) -> str:
        """The one that counted: an expiry after an approval is its end and no verdict of the rules."""
        words = [event.data.verdict for event in self.verdicts if isinstance(event.data, events.VerdictGiven)]
        return next((word for word in reversed(words) if word != "expired"), words[-1] if words else "")

    @property
    def failing(self) -> str:
        """What failing rules said at the first verdict that had any."""
        for event in self.verdicts:
            data = event.data
            if isinstance(data, events.VerdictGiven) and any(not rule.passed for rule in data.rules):
                return "; ".join(f"{rule.rule}: {rule.reason}" for rule in data.rules if not rule.passed)
        return ""

    @property
    def state(self) -> str:
        """How it ended."""
        if self.is_reverted:
            return "reverted"
        if self.settled is not None:
            return self.settled.state
        if self.verdict in ("denied", "held", ""):
            return self.verdict or "open"
        is_idle = getattr(self.proposal, "is_idle", False)
        last = self.verdicts[-1].data if self.verdicts else None
        is_expired = isinstance(last, events.VerdictGiven) and last.verdict == "expired"
        return "skipped" if is_idle else "expired" if is_expired else "promoted" if self.promoted_at else "open"

    @property
    def version(self) -> str:
        """What the chosen arm trained, or the candidate that was to be rolled out."""
        proposal = self.proposal
        if proposal.chosen in self.trained:
            return self.trained[proposal.chosen].version or ""
        return next((one.version for one in proposal.candidates if one.arm == proposal.chosen), "")

    @property
    def money(self) -> float:
        """Spent on training: as the outcome says, else seconds times price of every arm."""
        if self.outcome is not None and self.outcome.money:
            return self.outcome.money
        return sum(arm.seconds * arm.price_per_second for arm in self.trained.values())


def decisions_of(
    logs: Logs, *, since: int | None = None, until: int | None = None, progress: Callable[[int], None] = lambda n: None
) -> list[Decision]:
    """Read every decision about what models serve, in order.

    Args:
        logs: Where from.
        since: Broker time, ms; earlier proposals are left out, and what is said of them.
        until: Broker time, ms; later proposals are left out.
        progress: Told how many records are read.
    """
    found: dict[str, Decision] = {}
    drifts: dict[str, Event] = {}
    for event in _events(logs, since, progress):
        data = event.data
        if isinstance(data, events.DriftDetected):
            drifts.setdefault(event.story, event)
        elif isinstance(data, events.ActionProposed):
            is_late = until is not None and event.time > until
            if data.kind in _SERVING and not is_late:
                found.setdefault(event.identity, Decision(event.identity, event))
        elif (decision := found.get(getattr(data, "action", ""))) is not None:
            _take(decision, event)
    for decision in found.values():
        decision.drift = drifts.get(decision.event.story)
    return sorted(found.values(), key=lambda one: (one.event.time, one.id))


def _take(decision: Decision, event: Event) -> None:
    match data := event.data:
        case events.VerdictGiven():
            if all(known.identity != event.identity for known in decision.verdicts):
                decision.verdicts.append(event)
        case events.CandidateTrained():
            decision.trained[data.arm] = data
        case events.CandidateEvaluated():
            decision.evaluated[data.arm] = data
        case events.OutcomeMeasured():
            decision.outcome = data
        case events.ActionSettled():
            decision.settled = decision.settled or data
        case events.ActionReverted():
            decision.is_reverted = True
        case events.ActionApplied() if data.rollout is not None:
            decision.first_served_at = decision.first_served_at or event.time
            if data.rollout_verb == "promote":
                decision.promoted_at = decision.promoted_at or event.time


def _events(logs: Logs, since: int | None, progress: Callable[[int], None]) -> Iterable[Event]:
    """Yield what is read of, governance last: proposals come before what is said of them."""
    n, rest = 0, list[Event]()
    present = set(logs.topics())
    for topic in (GOVERNANCE, EXPERIENCE, VERDICTS):
        for record in logs.read([topic], since=since) if topic in present else ():
            n += 1
            progress(n)
            if attributes(record).type not in _READ:
                continue
            try:
                event = event_of(record)
            except Reject:
                continue
            is_proposal = isinstance(event.data, events.ActionProposed)
            if is_proposal and topic == GOVERNANCE:
                yield event
            else:
                rest.append(event)
    yield from sorted(rest, key=lambda event: event.time)


def why_of(decision: Decision) -> str:
    """What led to it, in a line."""
    if decision.drift is not None:
        return summary(decision.drift.data)
    return decision.proposal.reason or "no drift opened its story"
