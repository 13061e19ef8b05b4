"""The one guard: what a record of a policy log is worth, and whether its command may be obeyed now.

Pure: it is given records and the time. Hands and clients use the same one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.codec import Record, decode_event
from homeostat.codec.encode import partition_of, rfc3339
from homeostat.commands.brakes import Brakes, covering
from homeostat.commands.fence import Fence
from homeostat.commands.notary_keys import is_signed
from homeostat.core import Event, Reject
from homeostat.core.identity import sequence_of
from homeostat.events import BrakeReleased, BrakeSet, Command
from homeostat.events.routes import TYPES_IN

UNSIGNED: Final = "unsigned"
_NOWHERE: Final = frozenset[str]()
Reason = Literal["repeated", "stale", "expired", "braked"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command whose signature holds is not obeyed now.

    Args:
        reason: repeated: it was seen before; stale: a later one about the same target was; expired; braked.
        detail: One sentence for a person.
    """

    reason: Reason
    detail: str


def is_way_back(command: Command) -> bool:
    """Whether it takes an effect back: an abort or a revert is open at any time, brake or not, expired or not."""
    return command.TYPE.endswith((".abort.v1", ".revert.v1"))


class Guard:
    """Reads policy logs for one who obeys them. Of nothing that the notary has not signed anything is kept.

    Args:
        public_keys: Of the notary: hex by id.
        n_partitions: Partitions of a topic; None where nobody knows it. What is signed says nothing of where it
            lies: a copy of a command in a partition whose reader has not seen what came after it would be obeyed.
    """

    def __init__(self, public_keys: Mapping[str, str], n_partitions: Callable[[str], int] | None = None) -> None:
        self._keys, self._brakes, self._n_partitions = dict(public_keys), Brakes(), n_partitions
        self._fence = Fence(self._keys)

    @property
    def braked(self) -> frozenset[str]:
        """Scopes, models as `scope/model`, and `*`, whose brake is set. From any thread."""
        return self._brakes.braked

    def read(self, record: Record) -> Event:
        """Read the next record of a policy log, in offset order per partition; a brake or a release counts at once.

        Returns:
            An event whose data is a `Command`, a `BrakeSet` or a `BrakeReleased`, signed by the notary.

        Raises:
            Reject: `unsigned`; `id_invalid`, `type_not_for_log`, `misplaced`; or why it cannot be read. Then it has
                changed nothing.
        """
        event = decoded(record)
        self._take(event)
        return event

    def _take(self, event: Event) -> None:
        if not is_signed(event, self._keys):
            raise Reject(UNSIGNED, f"no valid signature of the notary: {event.type} of {event.source[:300]}")
        data = event.data
        self._check_place(event)
        if isinstance(data, BrakeSet | BrakeReleased):
            self._brakes.take(event, data)
        elif isinstance(data, Command):
            sequence_of(event.id)

    def _check_place(self, event: Event) -> None:
        """See that it lies where the governor puts it."""
        topic, partition = event.position.topic, event.position.partition
        if not isinstance(event.data, TYPES_IN[topic]):
            raise Reject("type_not_for_log", f"{event.type} is no command or brake of {topic}")
        if self._n_partitions is None or not isinstance(event.data, Command):
            return
        if partition != (right := partition_of(event.subject.encode(), self._n_partitions(topic))):
            raise Reject("misplaced", f"commands about {event.subject} lie in partition {right}: it is a copy")

    def read_history(self, record: Record) -> None:
        """Read a record that somebody has answered before: a brake counts, of a command that it has been.

        Its signature is looked at when another command about the same target is judged; most never are.
        """
        try:
            event = decoded(record)
            if isinstance(event.data, Command):
                self._check_place(event)
                self._fence.heard(event)
            else:
                self._take(event)
        except Reject:
            return  # whoever read it first has said so

    def judge(self, event: Event, now: int, braked_here: frozenset[str] = _NOWHERE) -> Refusal | None:
        """Say why a command that was read may not be obeyed now; None if it may.

        It has been seen then, whatever the answer: neither it nor an earlier one about the same target is obeyed later.

        Args:
            event: From `read`.
            now: ms.
            braked_here: Further brakes, of this machine.
        """
        command = event.data
        assert isinstance(command, Command)
        own, last = sequence_of(event.id), self._fence.last(event)
        if own == last:
            return Refusal("repeated", "it was seen before")
        if own < last:
            return Refusal("stale", f"a later command about the same target was seen: {last}, this is {own}")
        self._fence.seen(event)
        return self.judge_again(event, now, braked_here)

    def judge_again(self, event: Event, now: int, braked_here: frozenset[str] = _NOWHERE) -> Refusal | None:
        """Say why a command that `judge` let pass, and that was not begun since, may not be obeyed any more.

        Args:
            event: From `read`.
            now: ms.
            braked_here: Further brakes, of this machine.
        """
        command = event.data
        assert isinstance(command, Command)
        if is_way_back(command):
            return None
        if now > command.expires_at:
            return Refusal("expired", f"expired at {rfc3339(command.expires_at)}")  # the same whenever it is said
        if not command.is_emergency and self.is_braked(event, braked_here):
            return Refusal("braked", "the scope is frozen")
        return None

    def is_braked(self, event: Event, braked_here: frozenset[str] = _NOWHERE) -> bool:
        """Whether a brake covers what an event is about."""
        return not covering(event).isdisjoint(self.braked | braked_here)

    def forget(self, topic: str, partition: int) -> None:
        """Forget a partition that somebody else reads now; whoever reads it again begins at its beginning."""
        self._brakes.forget((topic, partition))
        self._fence.forget((topic, partition))


def decoded(record: Record) -> Event:
    """Decode a record of a log on which nothing but what folds say should lie.

    Raises:
        Reject: It cannot be read, whatever the decoder says of it.
    """
    try:
        return decode_event(record, time=record.timestamp, emitter="", is_door=False)
    except Reject:
        raise
    except Exception as error:  # whatever a decoder raises: nobody but the governor writes here, so it is a stranger's
        detail = f"it cannot be read: {type(error).__name__}: {str(error)[:300]}"
        raise Reject("payload_invalid", detail) from error
