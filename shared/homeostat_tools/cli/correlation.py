"""A story: every event that one drift or one request led to, as a tree by cause."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeostat.audit.authority import BINDING, Approval, approvals, standing
from homeostat.audit.keyring import Registered, is_governors
from homeostat.client.logs import Logs
from homeostat.codec import Record
from homeostat.core import Reject
from homeostat.events import ApprovalDenied, ApprovalGiven
from homeostat.events.logs import AUDIT, EXPERIENCE, GOVERNANCE, LOGS, TELEMETRY, TIMELINE
from homeostat_tools.cli.approvals import of_actions, text_of
from homeostat_tools.cli.exit_codes import not_found, usage
from homeostat_tools.cli.filters import order
from homeostat_tools.cli.notaries import keyring_of
from homeostat_tools.cli.one_line import summary
from homeostat_tools.cli.rendering import PREFIX, attributes, event_of, name_of
from homeostat_tools.cli.times import iso

_BULK: Final = (TELEMETRY, TIMELINE)
"""Read only when the others do not know the id."""

_MARGIN_MS: Final = 60_000
"""What opened a story at the telemetry door lies a little before what came of it."""

_N_NAMED: Final = 5

ANSWERS: Final = frozenset((ApprovalGiven.TYPE, ApprovalDenied.TYPE))
"""What people say of an action, which opens a story of its own."""


@dataclass(slots=True)
class Node:
    """One event of a story.

    Args:
        identity: Of the event.
        record: Its first occurrence.
        logs: Logs it lies in; a broadcast lies in several.
        text: What it says.
        authority: Of a verdict or command: `signed`, or why it is nobody's; empty for what nobody signs.
        children: What it led to, by time.
    """

    identity: str
    record: Record
    logs: list[str]
    text: str
    authority: str = ""
    children: list["Node"] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The tree below, as JSON."""
        return self.line() | {"led_to": [child.as_json() for child in self.children]}

    def line(self) -> dict[str, Any]:
        """It alone, as JSON."""
        found = attributes(self.record)
        return {
            "identity": self.identity,
            "time": iso(self.record.timestamp),
            "type": found.type,
            "subject": found.subject,
            "logs": self.logs,
            "cause": found.cause or None,
            "summary": self.text,
            "authority": self.authority or None,
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


def story_of(logs: Logs, story: str, notaries: Mapping[str, Registered] | None = None) -> Story:
    """Collect a story from all logs, with what people said of its actions, which opens stories of its own.

    Args:
        logs: Where.
        story: Identity of the event that opened it.
        notaries: Keys that sign verdicts and commands; None where none is known, so that none is strange.

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
    for node in nodes.values():
        node.authority = _authority(node.record, notaries)
    said = _said(logs, nodes)
    roots = _link(nodes, {one.identity: one.data.action for one in said})
    times = [node.record.timestamp for node in nodes.values()]
    return Story(story, roots, len(nodes), min(times), max(times), outcome_of(nodes.values()))


def node_of_record(record: Record) -> Node:
    """Return what one record says, whoever wrote it."""
    return _nodes([record])[attributes(record).identity]


def node_of(logs: Logs, record: Record, notaries: Mapping[str, Registered] | None = None) -> Node:
    """Return what one record says, by itself.

    Args:
        logs: Where what people said is looked up.
        record: Of a story, or an answer of a person to an action of one.
        notaries: See `story_of`.
    """
    identity = attributes(record).identity
    node = node_of_record(record)
    node.authority = _authority(record, notaries)
    if attributes(record).type in ANSWERS:
        keyring, refused = keyring_of(logs)
        said = next(
            (one for one in approvals(logs.read([GOVERNANCE]), keyring, refused) if one.identity == identity), None
        )
        node.text = text_of(said) if said is not None else node.text
    return node


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


def _said(logs: Logs, nodes: dict[str, Node]) -> list[Approval]:
    """Add what people said of the actions of a story to its nodes."""
    if not any(name_of(node.record) == "verdict.given" for node in nodes.values()):
        return []
    keyring, refused = keyring_of(logs)
    said = of_actions(logs, keyring, refused, nodes.keys())
    for one in said:
        log = one.record.topic.removeprefix(PREFIX)
        nodes.setdefault(one.identity, Node(one.identity, one.record, [log], text_of(one))).text = text_of(one)
    return said


def _authority(record: Record, notaries: Mapping[str, Registered] | None) -> str:
    """Whether a verdict or command is the governor's, as far as the keys that are known can say."""
    is_copy = record.topic == EXPERIENCE and name_of(record) == "verdict.given"
    if record.topic not in BINDING and not is_copy:
        return ""
    if is_copy:  # it lies signed among the verdicts
        return "" if is_governors(attributes(record).source) else "not the governor"
    said = standing(record, notaries or {})
    return "" if said == "unknown_key" and notaries is None else said


def _link(nodes: dict[str, Node], parents: Mapping[str, str]) -> tuple[Node, ...]:
    children: defaultdict[str, list[Node]] = defaultdict(list)
    roots: list[Node] = []
    for node in nodes.values():
        cause = parents.get(node.identity) or attributes(node.record).cause
        (children[cause] if cause in nodes and cause != node.identity else roots).append(node)
    for identity, node in nodes.items():
        node.children = children[identity]
    return tuple(roots)


def outcome_of(nodes: Iterable[Node]) -> str:
    """Return the last word, by weight: an outcome, a settlement, a failure, a verdict, else what came last."""
    last: dict[str, Node] = {}
    newest = None
    for node in nodes:
        last[name_of(node.record)] = newest = node
    for name in ("outcome.revised", "outcome.measured", "action.settled", "action.failed", "verdict.given"):
        if name in last:
            return f"{name}: {last[name].text}"
    return f"{name_of(newest.record)}: {newest.text}" if newest else ""
