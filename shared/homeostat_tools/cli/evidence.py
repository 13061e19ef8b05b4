"""What the logs say of one model: its drift, what was proposed, decided, trained, set, refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from homeostat import events
from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.codec.encode import partition_of
from homeostat.core import Event, Reject
from homeostat.core.identity import scope_of
from homeostat.events.columns import f8
from homeostat.events.governance import PASSING_RULES
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, TELEMETRY, TIMELINE, VERDICTS
from homeostat_tools.cli.filters import order
from homeostat_tools.cli.refusals import refusals
from homeostat_tools.cli.rendering import attributes, event_of

_NEWEST: Final = 5_000
"""Records of the model's partition of the timeline in which an admitted row is looked for."""

_READ: Final = {
    cls.TYPE
    for cls in (
        events.ActionApplied,
        events.ActionProposed,
        events.ActionRequested,
        events.ActionSettled,
        events.CandidateTrained,
        events.DeploymentUnapproved,
        events.DriftCleared,
        events.DriftDetected,
        events.FamilyRegistered,
        events.ModelRegistered,
        events.ProfileUpdated,
        events.VerdictGiven,
    )
}


@dataclass(slots=True)
class Known:
    """Events about a model, the newest of a kind, or by action in the order in which they came.

    Args:
        family: `scope/family`.
        registered: Its last registration.
        wait_labels: Labels that its family waits for; None: nobody has registered the family.
        drift: The last one.
        told_at: When it was told first since the last end of one, or of an action that changed the champion, ms.
        drifted: Version that it is of.
        cleared: The end of it.
        profile: The last look at it.
        proposals: By action.
        verdicts: The last of each action, the newest last.
        settled: The end of each action.
        trained: Reports of arms by action.
        applied: The last rollout of each action.
        unapproved: The last deployment that nobody approved.
        n_refused: How often something of it was refused, by reason.
        refused: The last refusal, for people.
        has_rows: Rows of it were admitted lately.
        has_labels: Labels of it were joined lately, or came with rows.
        families: Families of its scope that somebody has registered, where its own is none of them.
    """

    family: str = ""
    registered: events.ModelRegistered | None = None
    wait_labels: int | None = None
    drift: Event | None = None
    told_at: int = 0
    drifted: str = ""
    cleared: Event | None = None
    profile: events.ProfileUpdated | None = None
    proposals: dict[str, Event] = field(default_factory=dict)
    verdicts: dict[str, Event] = field(default_factory=dict)
    settled: dict[str, Event] = field(default_factory=dict)
    trained: dict[str, list[events.CandidateTrained]] = field(default_factory=dict)
    applied: dict[str, events.ActionApplied] = field(default_factory=dict)
    unapproved: events.DeploymentUnapproved | None = None
    n_refused: dict[str, int] = field(default_factory=dict)
    refused: str = ""
    has_rows: bool = False
    has_labels: bool = False
    families: tuple[str, ...] = ()

    @property
    def open_drift(self) -> Event | None:
        """The drift that is not over."""
        return self.drift if self.cleared is None else None

    def newest(self) -> Iterator[tuple[str, events.VerdictGiven]]:
        """Actions that were decided, the newest first, with their verdicts."""
        for action in reversed(self.verdicts):
            data = self.verdicts[action].data
            assert isinstance(data, events.VerdictGiven)
            yield action, data


def gather(logs: Logs, model: str) -> Known:
    """Read what there is of a model, `scope/model`."""
    known, scope = Known(), scope_of(model)
    by_partition = {
        GOVERNANCE: 0,
        VERDICTS: partition_of(scope.encode(), logs.n_partitions(VERDICTS)),
        INDICATORS: partition_of(model.encode(), logs.n_partitions(INDICATORS)),
    }
    records = [r for log, place in by_partition.items() for r in logs.read([log], partition=place)]
    for record in sorted(records, key=order):
        _note(known, record, model)
    if known.family:
        key = known.family.encode()
        place = partition_of(key, logs.n_partitions(EXPERIENCE))
        for record in logs.read([EXPERIENCE], partition=place):
            if record.key == key and attributes(record).type != events.VerdictGiven.TYPE:  # the family's copy
                _note(known, record, model)
    if known.family and known.wait_labels is None:
        known.families = tuple(sorted(families_of(logs, scope)))
    _look_at_rows(known, logs, model)
    return known


def is_passing(verdict: events.VerdictGiven) -> bool:
    """Whether only rules have denied it that may let it pass later: then the learner asks again by itself."""
    return {rule.rule for rule in verdict.rules if not rule.passed} <= PASSING_RULES


def _look_at_rows(known: Known, logs: Logs, model: str) -> None:
    for refusal in refusals(logs, model=model):
        if refusal.data.log == TELEMETRY and refusal.replayed_at is None:
            known.n_refused[refusal.data.reason] = known.n_refused.get(refusal.data.reason, 0) + 1
            known.refused = f"{refusal.data.reason}: {refusal.data.detail}"
    key = model.encode()
    newest = logs.read([TIMELINE], last=_NEWEST, partition=partition_of(key, logs.n_partitions(TIMELINE)))
    own = [record for record in newest if record.key == key]
    rows = [record for record in own if attributes(record).type == events.Samples.TYPE]
    known.has_rows = bool(rows)
    known.has_labels = any(attributes(record).type == events.Labels.TYPE for record in own) or any(
        _is_labelled(record) for record in reversed(rows)
    )


def _is_labelled(record: Record) -> bool:
    """Whether rows brought labels with them."""
    try:
        data = event_of(record).data
    except Reject:
        return False
    return isinstance(data, events.Samples) and bool(data.label) and bool(np.isfinite(f8(data.label)).any())


def families_of(logs: Logs, scope: str) -> dict[str, events.FamilyRegistered]:
    """Return the families of a scope, as they were registered last, by `scope/family`."""
    found, prefix = dict[str, events.FamilyRegistered](), f"{scope}/".encode()
    for record in logs.read([EXPERIENCE]):
        if (record.key or b"").startswith(prefix) and attributes(record).type == events.FamilyRegistered.TYPE:
            try:
                event = event_of(record)
            except Reject:
                continue
            if isinstance(event.data, events.FamilyRegistered):
                found[event.subject] = event.data
    return found


def _note(known: Known, record: Record, model: str) -> None:
    if attributes(record).type not in _READ:
        return
    try:
        event = event_of(record)
    except Reject:
        return
    data: Any = event.data
    if isinstance(data, events.FamilyRegistered):
        known.wait_labels = data.wait_labels
        return
    if data.model != model:
        return
    match data:
        case events.ModelRegistered():
            known.registered = data
            known.family = f"{model.partition('/')[0]}/{data.family}"
        case events.DriftDetected():
            if known.drift is None or known.cleared is not None or known.drifted != data.version:
                known.told_at = event.time
            known.drift, known.cleared, known.drifted = event, None, data.version
        case events.DriftCleared():
            known.cleared = event
        case events.ProfileUpdated():
            known.profile = data
        case events.ActionProposed():
            known.proposals[event.identity] = event
        case events.VerdictGiven():
            known.verdicts.pop(data.action, None)
            known.verdicts[data.action] = event
        case events.ActionSettled():
            known.settled[data.action] = event
        case events.CandidateTrained():
            known.trained.setdefault(data.action, []).append(data)
        case events.DeploymentUnapproved():
            known.unapproved = data
        case events.ActionApplied(kind="threshold"):  # a band that is applied is done: nothing settles it later
            known.settled[data.action] = event
        case events.ActionApplied():
            known.applied[data.action] = data
