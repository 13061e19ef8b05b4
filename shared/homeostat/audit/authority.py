"""Who may have written what lies in a log: signed verdicts, commands and requests, and effects without any of them.

The chain of leaves proves that a record has not changed since it was digested; it says nothing of who wrote it. Here a
record counts as the governor's only with its source *and* the notary's signature, a request only with a person's.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from homeostat.audit.findings import Finding
from homeostat.audit.keyring import Keyring, Registered, is_governors
from homeostat.audit.signing import signed_bytes, verify
from homeostat.codec import Record, decode_event
from homeostat.core import Event, Reject
from homeostat.core.identity import identity
from homeostat.events import (
    ActionApplied,
    ActionReverted,
    ApprovalDenied,
    ApprovalGiven,
    CandidateTrained,
    Command,
    KeyRegistered,
    RevertRequested,
    VerdictGiven,
    WeightsPublished,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, INDICATORS, POLICIES, REQUESTS, TASKS, TIMELINE, VERDICTS
from homeostat.events.routes import ADMITTED, TYPES_IN

BINDING: Final = frozenset((*POLICIES, VERDICTS))
"""Logs that only the governor writes, signed."""

_EMITTER: Final = re.compile(r"/homeostat/([a-z_.]+)/([a-z.-]+)/(.+)/(\d+)")
_CLOCK: Final = "/homeostat/clock/"
_EMITTED: Final = frozenset((TIMELINE, EXPERIENCE, GOVERNANCE, TASKS, INDICATORS))
"""Logs that nobody writes but folds, unsigned."""

_PLACE: Final = re.compile(r"(\d+)\.\d+")
_REQUESTS: Final = frozenset(payload.TYPE for payload in ADMITTED[REQUESTS])
_EFFECTS: Final = frozenset((ActionApplied.TYPE, ActionReverted.TYPE, CandidateTrained.TYPE))

Standing = Literal["signed", "unsigned", "unknown_key", "revoked", "not the governor"]


def standing(record: Record, notaries: Mapping[str, Registered]) -> Standing:
    """Say whether a verdict or command is the governor's, by its source and the notary's signature.

    A key that was revoked counts for what the governor said before it read the revocation.

    Args:
        record: As it lies in the log.
        notaries: Keys of the notary by id, with those of before a rotation.
    """
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    source, id_ = headers.get("ce_source", ""), headers.get("ce_id", "")
    if not is_governors(source):
        return "not the governor"
    if not headers.get("signature"):
        return "unsigned"
    key = notaries.get(headers.get("key-id", ""))
    if key is None:
        return "unknown_key"
    subject = headers.get("ce_subject") or (record.key or b"").decode(errors="replace")
    signed = signed_bytes(headers.get("ce_type", ""), subject, source, id_, record.value or b"")
    if not verify(key.public, headers["signature"], signed):
        return "unsigned"
    read = _PLACE.fullmatch(id_)
    if key.until is not None and (read is None or int(read[1]) > key.until):
        return "revoked"
    return "signed"


@dataclass(slots=True)
class Authority:
    """Collects, log by log, what was said and done, and finds what nobody was entitled to.

    Order of calls: `see` each partition of each log, in offset order; then `findings`.

    Args:
        notaries: Keys of the notary.
        keyring: Of people.
        refused: Offsets of governance that the governor refused.
        folds: Input log by name of the folds: nobody else writes the logs between the doors and the hands.
    """

    notaries: Mapping[str, Registered]
    keyring: Keyring
    refused: Collection[int] = ()
    folds: Mapping[str, str] = field(default_factory=dict)
    _emitted: dict[str, tuple[int, str]] = field(default_factory=dict)
    _found: list[Finding] = field(default_factory=list)
    _approved: set[str] = field(default_factory=set)
    _actions: set[str] = field(default_factory=set)
    _weights: list[tuple[str, str]] = field(default_factory=list)
    _verdicts: set[tuple[str, bytes]] = field(default_factory=set)
    _commands: dict[str, tuple[str, Command]] = field(default_factory=dict)
    _by_people: set[str] = field(default_factory=set)
    _copies: list[tuple[str, str, bytes]] = field(default_factory=list)
    _effects: list[tuple[str, str, str, str]] = field(default_factory=list)

    def see(self, records: Iterable[Record]) -> None:
        """Take in the records of one partition; of logs that bind nobody nothing is kept."""
        for record in records:
            headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
            type_ = headers.get("ce_type", "")
            if record.topic in BINDING:
                self._see_binding(record, type_)
            elif record.topic in _EMITTED:
                self._see_emitter(record, headers.get("ce_source", ""), headers.get("ce_id", ""))
            if record.topic == GOVERNANCE and type_ in _REQUESTS and record.offset not in self.refused:
                self._see_request(record, type_)
            elif record.topic == EXPERIENCE and type_ == VerdictGiven.TYPE:
                self._copies.append((_where(record), _step(record), record.value or b""))
            elif record.topic == EXPERIENCE and type_ == WeightsPublished.TYPE:
                event = _decoded(record)
                if event is not None and isinstance(event.data, WeightsPublished):
                    self._weights.append((_where(record), event.data.action))
            elif record.topic in (TIMELINE, GOVERNANCE) and type_ in _EFFECTS:
                self._see_effect(record)

    def findings(self, ends: Mapping[tuple[str, str, int], int]) -> Iterator[Finding]:
        """Yield what is wrong.

        Args:
            ends: End of each partition of each incarnation that is there, asked for after all was seen.
        """
        yield from self._found
        for source, (offset, where) in self._emitted.items():
            said = _EMITTER.fullmatch(source)
            if said is not None and offset >= ends.get((said[2], said[3], int(said[4])), offset + 1):
                yield Finding("unauthorised", where, f"{source} has said it of offset {offset}, which is not there")
        for where, command in self._commands.values():
            if command.verdict not in self._approved and command.verdict not in self._by_people:
                named = f"the command of {command.action} names the verdict {command.verdict!r}"
                yield Finding("unapproved", where, f"{named}: no such one was signed")
        for where, step, value in self._copies:
            if (step, value) not in self._verdicts:
                yield Finding("unauthorised", where, "a verdict that does not lie signed among the verdicts")
        for where, action in self._weights:
            if action not in self._actions:
                yield Finding("unapproved", where, f"weights of {action}: no signed verdict approved it")
        for where, type_, answered, action in self._effects:
            if answered not in self._commands:
                yield Finding("unapproved", where, f"{type_} of {action}: no signed command {answered!r} asked for it")

    def _see_binding(self, record: Record, type_: str) -> None:
        said = standing(record, self.notaries)
        if said != "signed":
            kind, detail = _SAID[said]
            self._found.append(Finding(kind, _where(record), f"{type_ or 'a record'} {detail}"))
            return
        event = _decoded(record)
        if event is None or not isinstance(event.data, TYPES_IN[record.topic]):
            self._found.append(Finding("unauthorised", _where(record), f"{type_ or 'a record'} does not belong there"))
        elif isinstance(event.data, VerdictGiven):
            self._verdicts.add((_step(record), record.value or b""))
            if event.data.verdict == "approved":
                self._approved.add(event.identity)
                self._actions.add(event.data.action)
        elif isinstance(event.data, Command):
            self._commands[event.identity] = (_where(record), event.data)

    def _see_emitter(self, record: Record, source: str, id_: str) -> None:
        """See that a record of an inner log is what a fold said of a record of its input, or a tick of a clock."""
        said, place, clock = _EMITTER.fullmatch(source), _PLACE.fullmatch(id_), source.removeprefix(_CLOCK)
        if clock in self.folds and clock != source:
            return
        if said is None or place is None or self.folds.get(said[1]) != said[2]:
            self._found.append(Finding("unauthorised", _where(record), f"{source or 'nobody'} is no fold of ours"))
        elif int(place[1]) > self._emitted.get(source, (-1, ""))[0]:
            self._emitted[source] = (int(place[1]), _where(record))

    def _see_request(self, record: Record, type_: str) -> None:
        event = _decoded(record)
        if event is None:
            return  # of another version: the governor cannot have obeyed it either
        if self.keyring.signer(event) is None and not self._is_root(event):
            self._found.append(Finding("unsigned", _where(record), f"{type_} without a signature of the keyring"))
        elif isinstance(event.data, RevertRequested):
            self._by_people.add(event.identity)  # answered with a command, and no verdict

    def _is_root(self, event: Event) -> bool:
        first = next(iter(self.keyring.keys), None)
        return isinstance(event.data, KeyRegistered) and event.data.key == first

    def _see_effect(self, record: Record) -> None:
        if record.topic == GOVERNANCE and record.offset in self.refused:
            return
        event = _decoded(record)
        if event is not None and isinstance(event.data, ActionApplied | ActionReverted | CandidateTrained):
            self._effects.append((_where(record), event.data.TYPE, event.data.command, event.data.action))


_SAID: Final[dict[str, tuple[Literal["unauthorised", "unsigned", "unknown_key"], str]]] = {
    "unsigned": ("unsigned", "without a valid signature of the notary"),
    "unknown_key": ("unknown_key", "signed with a key that is no notary's"),
    "revoked": ("unknown_key", "signed with a key that was revoked before"),
    "not the governor": ("unauthorised", "whose source is not the governor"),
}


def approvals(governance: Iterable[Record], keyring: Keyring, refused: Collection[int]) -> Iterator["Approval"]:
    """Yield what people said of held actions, with who signed it.

    Args:
        governance: Its records.
        keyring: Who is who.
        refused: Offsets that the governor refused: what did not count is left out.
    """
    for record in governance:
        type_ = (dict(record.headers).get("ce_type") or b"").decode(errors="replace")
        if type_ not in (ApprovalGiven.TYPE, ApprovalDenied.TYPE) or record.offset in refused:
            continue
        event = _decoded(record)
        if event is not None and isinstance(event.data, ApprovalGiven | ApprovalDenied):
            yield Approval(record, event.identity, event.data, keyring.signer(event) or "")


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word on an action.

    Args:
        record: On governance.
        identity: Of it there.
        data: What was said.
        principal: Who signed it; empty where no key of the keyring has.
    """

    record: Record
    identity: str
    data: ApprovalGiven | ApprovalDenied
    principal: str


def _decoded(record: Record) -> Event | None:
    try:
        return decode_event(record, time=record.timestamp, emitter="", is_door=False)
    except Reject:
        return None


def _where(record: Record) -> str:
    return f"{record.topic}[{record.partition}] {record.offset}"


def _step(record: Record) -> str:
    """The step that said it: source, and the offset that it answers; its copies in other logs have the same."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    return identity(headers.get("ce_source", ""), headers.get("ce_id", "").partition(".")[0])
