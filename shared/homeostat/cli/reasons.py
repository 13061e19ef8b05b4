"""Why nothing is being done about a model: the first thing in the loop that stands still, and all that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.cli.exits import not_found
from homeostat.cli.law import in_force
from homeostat.cli.records import attributes, event_of
from homeostat.cli.selection import order
from homeostat.cli.summaries import summary
from homeostat.cli.when import clock
from homeostat.client.logs import Logs, Place
from homeostat.codec import Record
from homeostat.codec.encode import partition_of
from homeostat.core import Event, Reject
from homeostat.events import (
    ActionApplied,
    ActionProposed,
    ActionRequested,
    ActionSettled,
    DriftCleared,
    DriftDetected,
    FamilyRegistered,
    ModelRegistered,
    ProfileUpdated,
    VerdictGiven,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, VERDICTS

_N_VERDICTS: Final = 3
_LAGGING: Final = 100
"""Records behind which a service is worth naming."""


@dataclass(slots=True)
class Answer:
    """Why.

    Args:
        model: The model.
        because: One sentence.
        facts: What is known, by name, for people.
        lag: Records each service has still to read.
    """

    model: str
    because: str
    facts: dict[str, str] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    family: str = ""
    registered: ModelRegistered | None = None
    wait_labels: int | None = None
    drift: Event | None = None
    cleared: Event | None = None
    profile: ProfileUpdated | None = None
    proposals: dict[str, Event] = field(default_factory=dict)
    verdicts: dict[str, Event] = field(default_factory=dict)
    settled: dict[str, Event] = field(default_factory=dict)


def explain(logs: Logs, model: str) -> Answer:
    """Follow the loop from the drift to the settlement and say where it stands.

    Raises:
        CommandFailed: The model is not registered.
    """
    known = _gather(logs, model)
    if known.registered is None:
        raise not_found(
            f"{model} is not registered: publish model.registered first; `homeostat quarantine list --model {model}` "
            "shows what was refused"
        )
    scope = model.partition("/")[0]
    law, lag = in_force(logs), _lag(logs.committed(), logs)
    freeze = law.freeze_of(scope)
    answer = Answer(model, _because(known, freeze, lag), _facts(known), lag)
    answer.facts["freeze"] = f"by {freeze}; `homeostat unfreeze`" if freeze else "none"
    budget = law.budgets.get(scope) or law.budgets.get("*")
    left = _money_left(known)
    per = f"{budget.money:g} per {budget.period_ms / 3_600_000:g} h in {budget.scope}" if budget else "the default"
    answer.facts["budget"] = per + (f"; {left:g} left at the last verdict" if left is not None else "")
    answer.facts["lag"] = ", ".join(f"{name} {n}" for name, n in lag.items()) or "no service has committed anything"
    return answer


def _gather(logs: Logs, model: str) -> _Known:
    known, scope = _Known(), model.partition("/")[0]
    by_partition = {GOVERNANCE: 0, VERDICTS: partition_of(scope.encode(), logs.places(VERDICTS))}
    records = [r for log, place in by_partition.items() for r in logs.read([log], partition=place)]
    for record in sorted(records, key=order):
        _note(known, record, model)
    if known.family:
        key = known.family.encode()
        place = partition_of(key, logs.places(EXPERIENCE))
        for record in logs.read([EXPERIENCE], partition=place):
            if record.key == key:
                _note(known, record, model)
    return known


_READ: Final = {
    cls.TYPE
    for cls in (
        ActionApplied,
        ActionProposed,
        ActionRequested,
        ActionSettled,
        DriftCleared,
        DriftDetected,
        FamilyRegistered,
        ModelRegistered,
        ProfileUpdated,
        VerdictGiven,
    )
}


def _note(known: _Known, record: Record, model: str) -> None:
    if attributes(record).type not in _READ:
        return
    try:
        event = event_of(record)
    except Reject:
        return
    data: Any = event.data
    if isinstance(data, FamilyRegistered):
        known.wait_labels = data.wait_labels
        return
    if data.model != model:
        return
    match data:
        case ModelRegistered():
            known.registered = data
            known.family = f"{model.partition('/')[0]}/{data.family}"
        case DriftDetected():
            known.drift, known.cleared = event, None
        case DriftCleared():
            known.cleared = event
        case ProfileUpdated():
            known.profile = data
        case ActionProposed():
            known.proposals[event.identity] = event
        case VerdictGiven():
            known.verdicts.pop(data.action, None)
            known.verdicts[data.action] = event
        case ActionSettled():
            known.settled[data.action] = event
        case ActionApplied(kind="threshold"):  # a band that is applied is done: nothing settles it later
            known.settled[data.action] = event


def _open_action(known: _Known) -> tuple[str, str] | None:
    """The action that is under way, with its last verdict; a denied or expired one is not."""
    for action in reversed(known.proposals):
        verdict: Any = known.verdicts[action].data if action in known.verdicts else None
        if action not in known.settled and (verdict is None or verdict.verdict in ("approved", "held")):
            return action, verdict.verdict if verdict else "not decided yet"
    return None


def _failing(verdict: VerdictGiven) -> str:
    parts = []
    for rule in verdict.rules:
        if not rule.passed:
            nearest = f" (would pass at {rule.nearest})" if rule.nearest is not None else ""
            parts.append(f"{rule.rule}: {rule.value} against {rule.limit}, {rule.reason}{nearest}")
    return "; ".join(parts)


def _because(known: _Known, freeze: str | None, lag: Mapping[str, int]) -> str:
    if (action := _open_action(known)) is not None:
        held = "; `homeostat approve` decides" if action[1] == "held" else ""
        return f"an action is under way ({action[1]}): {action[0]}{held}"
    if freeze is not None:
        return "its scope is frozen"
    last: Any = next(reversed(known.verdicts.values())).data if known.verdicts else None
    newest_drift = known.drift.time if known.drift and not known.cleared else None
    if last is not None and last.verdict == "denied" and newest_drift is not None:
        return f"the last proposal was denied: {_failing(last)}"
    if known.drift is None:
        behind = [name for name, n in lag.items() if n > _LAGGING]
        return f"no drift was seen yet, and {', '.join(behind)} lags" if behind else "no drift was detected"
    if known.cleared is not None:
        return "the last drift is over"
    n, wait = known.profile.labels_since_onset if known.profile else 0, known.wait_labels
    if wait is not None and n < wait:
        return f"it waits for labels: {n} of {wait} since the onset of the drift"
    if any(event.time >= (newest_drift or 0) for event in known.settled.values()):
        return "the last action is settled; the level check will look again"
    return "a drift is open and nothing was proposed for it yet"


def _facts(known: _Known) -> dict[str, str]:
    assert known.registered is not None
    facts = {"family": known.family, "tier": known.registered.tier}
    if known.drift is not None:
        facts["drift"] = f"{clock(known.drift.time)} {summary(known.drift.data)}"
    if known.cleared is not None:
        facts["cleared"] = f"{clock(known.cleared.time)} {summary(known.cleared.data)}"
    if known.profile is not None:
        facts["labels"] = f"{known.profile.labels_since_onset} since the onset, {known.wait_labels} wanted"
    for n, event in enumerate(list(known.verdicts.values())[-_N_VERDICTS:], 1):
        assert isinstance(event.data, VerdictGiven)
        failing = _failing(event.data)
        facts[f"verdict {n}"] = f"{clock(event.time)} {event.data.verdict} {event.data.kind} {failing}".rstrip()
    return facts


def _money_left(known: _Known) -> float | None:
    for event in reversed(known.verdicts.values()):
        assert isinstance(event.data, VerdictGiven)
        for rule in event.data.rules:
            if rule.rule == "money" and isinstance(rule.limit, int | float):
                return float(rule.limit)
    return None


def _lag(committed: Mapping[str, Mapping[Place, int]], logs: Logs) -> dict[str, int]:
    topics = sorted({topic for offsets in committed.values() for topic, _ in offsets if topic.startswith("homeostat.")})
    ends = logs.ranges(topics)
    return {
        group: sum(max(0, ends[place][1] - offset) for place, offset in offsets.items() if place in ends)
        for group, offsets in committed.items()
    }
