"""A story: every event that one drift or one request led to, as a tree by cause."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.cli.exits import not_found, usage
from homeostat.cli.records import PREFIX, attributes, event_of, name_of
from homeostat.cli.selection import order
from homeostat.cli.summaries import summary
from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.codec.encode import rfc3339
from homeostat.core import Reject
from homeostat.events.logs import AUDIT, LOGS, TELEMETRY, TIMELINE

_BULK: Final = (TELEMETRY, TIMELINE)
"""Read only when the others do not know the id."""

_MARGIN_MS: Final = 60_000
"""What opened a story at the telemetry door lies a little before what came of it."""

_N_NAMED: Final = 5


@dataclass(slots=True)
class Node:
    """One event of a story.

    Args:
        identity: Of the event.
        record: Its first occurrence.
        logs: Logs it lies in; a broadcast lies in several.
        text: What it says.
        children: What it led to, by time.
    """

    identity: str
    record: Record
    logs: list[str]
    text: str
    children: list["Node"] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The tree below, as JSON."""
        found = attributes(self.record)
        return {
            "identity": self.identity,
            "time": rfc3339(self.record.timestamp),
            "type": found.type,
            "subject": found.subject,
            "logs": self.logs,
            "cause": found.cause or None,
            "summary": self.text,
            "led_to": [child.as_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class Story:
    """All of it.

    Args:
        identity: Of the event that opened it.
        roots: Events whose cause lies outside of the story, by time.
        n_events: Distinct ones.
        began: Broker time of the first, ms.
        ended: Broker time of the last, ms.
        outcome: What came of it so far.
    """

    identity: str
    roots: tuple[Node, ...]
    n_events: int
    began: int
    ended: int
    outcome: str


def find(logs: Logs, id_: str) -> str:
    """Return the story that an id means: of any event in it, an action's, or an ending that only one story has.

    Raises:
        CommandFailed: None, or more than one.
    """
    present = set(logs.topics())
    small = [log.name for log in LOGS if log.name not in (*_BULK, AUDIT) and log.name in present]
    for topics in (small, [name for name in _BULK if name in present]):
        exact, stories = set[str](), set[str]()
        for record in logs.read(topics):
            found = attributes(record)
            if found.identity == id_ or found.story == id_:
                exact.add(found.story)
            elif found.identity.endswith(id_) or found.story.endswith(id_):
                stories.add(found.story)
        if stories := exact or stories:
            if len(stories) > 1:
                some = ", ".join(sorted(stories)[:_N_NAMED])
                raise usage(f"{len(stories)} stories have an event that ends in {id_!r}: {some}; write more of it")
            return stories.pop()
    raise not_found(f"no event ends in {id_!r}; `homeostat tail --json` shows identities as source#id")


def tell(logs: Logs, story: str) -> Story:
    """Collect a story from all logs.

    Raises:
        CommandFailed: No event belongs to it.
    """
    present = set(logs.topics())
    topics = [log.name for log in LOGS if log.name in present and log.name != AUDIT]
    small = [name for name in topics if name not in _BULK]
    records = [r for r in logs.read(small) if attributes(r).story == story]
    began = max(0, min(r.timestamp for r in records) - _MARGIN_MS) if records else None
    bulk = [name for name in topics if name in _BULK]
    records += [r for r in logs.read(bulk, since=began) if attributes(r).story == story]
    if not records:
        raise not_found(f"no event belongs to the story {story}")
    nodes = _nodes(sorted(records, key=order))
    roots = _link(nodes)
    times = [r.timestamp for r in records]
    return Story(story, roots, len(nodes), min(times), max(times), _outcome(nodes.values()))


def _nodes(records: Sequence[Record]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for record in records:
        identity = attributes(record).identity
        log = record.topic.removeprefix(PREFIX)
        if identity in nodes:
            if log not in nodes[identity].logs:
                nodes[identity].logs.append(log)
            continue
        try:
            text = summary(event_of(record).data)
        except Reject as reject:
            text = str(reject)
        nodes[identity] = Node(identity, record, [log], text)
    return nodes


def _link(nodes: dict[str, Node]) -> tuple[Node, ...]:
    children: defaultdict[str, list[Node]] = defaultdict(list)
    roots: list[Node] = []
    for node in nodes.values():
        cause = attributes(node.record).cause
        (children[cause] if cause in nodes and cause != node.identity else roots).append(node)
    for identity, node in nodes.items():
        node.children = children[identity]
    return tuple(roots)


def _outcome(nodes: Iterable[Node]) -> str:
    """The last word, by weight: an outcome, a settlement, a failure, a verdict, else what came last."""
    last: dict[str, Node] = {}
    newest = None
    for node in nodes:
        last[name_of(node.record)] = newest = node
    for name in ("outcome.revised", "outcome.measured", "action.settled", "action.failed", "verdict.given"):
        if name in last:
            return f"{name}: {last[name].text}"
    return f"{name_of(newest.record)}: {newest.text}" if newest else ""
