"""A story as it comes: what lies there in order, then what is added, until its action is over."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.audit.keyring import Registered
from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.events import ActionApplied, ActionProposed, ActionSettled, VerdictGiven
from homeostat.events.logs import AUDIT, LOGS, TELEMETRY, TIMELINE
from homeostat_tools.cli.correlation import ANSWERS, Node, node_of, story_of
from homeostat_tools.cli.evidence import gather
from homeostat_tools.cli.filters import order
from homeostat_tools.cli.rendering import attributes, event_of

_POLL_SECONDS: Final = 0.5
_BUSY: Final = (TELEMETRY, TIMELINE, AUDIT)
"""Not followed: all of the traffic, and nothing of a story that does not lie in another log too."""


@dataclass(slots=True)
class Ending:
    """Which actions of a story are over.

    Args:
        action: The one that counts, or its ending; empty: every one.
    """

    action: str = ""
    _idle: dict[str, bool] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)

    def see(self, record: Record) -> None:
        """Take in one event of the story."""
        try:
            event = event_of(record)
        except Reject:
            return
        match event.data:
            case ActionProposed():
                self._idle[event.identity] = event.data.is_idle
            case ActionSettled(action=action) | ActionApplied(action=action, kind="threshold"):
                self._over.add(action)
            case VerdictGiven(action=action, verdict=said, was_served=is_served):
                is_end = said == "denied" or (said == "expired" and not is_served)
                if is_end or (said == "approved" and self._idle.get(action, False)):
                    self._over.add(action)

    @property
    def is_over(self) -> bool:
        """Whether nothing but late bills and revisions can come."""
        meant = [action for action in self._idle if self.action and action.endswith(self.action)]
        return bool(self._idle) and self._over.issuperset(meant or self._idle)


def newest_story(logs: Logs, model: str) -> tuple[str, str]:
    """Return the story of the newest drift or action of a model, and the action; both empty if it has none."""
    known = gather(logs, model)
    proposal = next(reversed(known.proposals.values()), None)
    drift = known.open_drift
    if proposal is not None and (drift is None or proposal.time >= known.told_at):
        return proposal.story, proposal.identity
    return (drift.story, "") if drift is not None else ("", "")


def follow(
    logs: Logs, story: str, ending: Ending, notaries: Mapping[str, Registered] | None, since: Mapping[Any, int]
) -> Iterator[Node]:
    """Yield the events of a story, each once: those that are there by time, then those that come, until it is over.

    Args:
        logs: Where.
        story: Identity of the event that opened it.
        ending: Fed with all of them.
        notaries: See `story_of`.
        since: Ends of the logs before this was called, of `ends`.
    """
    seen = set[str]()

    def new(records: Any) -> Iterator[Record]:
        for record in sorted(records, key=order):
            identity = attributes(record).identity
            if identity not in seen and (attributes(record).story == story or _answers(record, seen)):
                seen.add(identity)
                ending.see(record)
                yield record

    def flat(node: Node) -> Iterator[Node]:
        yield node
        for child in node.children:
            yield from flat(child)

    there = [node for root in story_of(logs, story, notaries).roots for node in flat(root)]
    for node in sorted(there, key=lambda node: node.record.timestamp):  # causes first, which may be as old
        seen.add(node.identity)
        ending.see(node.record)
        yield node
    follower = logs.follow(since)
    try:
        is_last = False
        while not is_last:
            was_over, found = ending.is_over, list(new(follower.poll(_POLL_SECONDS)))
            for record in found:
                yield node_of(logs, record, notaries)
            is_last = was_over and not found  # one more look: the outcome lies in another log than the settlement
    finally:
        follower.close()


def ends(logs: Logs) -> Mapping[Any, int]:
    """Return where the logs that are followed end now."""
    present = logs.topics()
    topics = [log.name for log in LOGS if log.name in present and log.name not in _BUSY]
    return {place: high for place, (_, high) in logs.ranges(topics).items()}


def await_story(logs: Logs, model: str, waits: Callable[[], None]) -> tuple[str, str]:
    """Return `newest_story`, once there is one; `waits` is called if it is not there yet."""
    found = newest_story(logs, model)
    if not found[0]:
        waits()
    while not found[0]:
        time.sleep(_POLL_SECONDS * 2)
        found = newest_story(logs, model)
    return found


def _answers(record: Record, actions: set[str]) -> bool:
    """Whether a person says something of one of these actions."""
    if attributes(record).type not in ANSWERS:
        return False
    try:
        return getattr(event_of(record).data, "action", "") in actions
    except Reject:
        return False
