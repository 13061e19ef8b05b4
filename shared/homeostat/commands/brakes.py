"""Which brakes are set, from what the governor has said of each scope, wherever it was read."""

from dataclasses import dataclass
from typing import Final

from homeostat.core import Event
from homeostat.core.identity import scope_of, sequence_of
from homeostat.events import BrakeReleased, BrakeSet, Command

Place = tuple[str, int]
"""Topic and partition."""

_EVERYWHERE: Final = "*"


def covering(event: Event) -> frozenset[str]:
    """Names of the brakes that hold an event: of everything, of its scope, and of its model if it is about one."""
    model = event.data.model if isinstance(event.data, Command) else event.subject
    return frozenset({_EVERYWHERE, scope_of(event.subject)} | ({model} if model else set()))


@dataclass(frozen=True, slots=True)
class _Said:
    """The last that one source has said of a scope in one partition, where it was first read."""

    sequence: str
    is_set: bool
    time: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Word:
    """The last word of one source, over all partitions: the time of its first copy, the offset of each."""

    is_set: bool
    time: int
    offsets: dict[Place, int]

    def is_after(self, other: "_Word") -> bool:
        """Whether it was said after another source's: later, or behind it in a partition; if unknown, a brake is."""
        if self.time != other.time:
            return self.time > other.time
        if common := sorted(self.offsets.keys() & other.offsets.keys()):
            return self.offsets[common[0]] > other.offsets[common[0]]
        return self.is_set and not other.is_set


class Brakes:
    """Keeps the brakes; a brake and its release are said to every partition of every policy log.

    Of one source (an incarnation of governance) the highest sequence counts, whichever partition it was read in; of two
    sources the one that spoke later. A copy of what was said before changes nothing, however late it comes.
    """

    def __init__(self) -> None:
        self._said: dict[str, dict[tuple[str, Place], _Said]] = {}
        self.braked: frozenset[str] = frozenset()
        """Scopes, models as `scope/model`, and `*`, whose brake is set. Replaced, never changed: for any thread."""

    def take(self, event: Event, brake: BrakeSet | BrakeReleased) -> None:
        """Take note of a brake or a release whose signature holds.

        Raises:
            Reject: `id_invalid`: no fold has said it.
        """
        sequence, position = sequence_of(event.id), event.position
        said = self._said.setdefault(brake.scope, {})
        of = (event.source, (position.topic, position.partition))
        if of in said and said[of].sequence >= sequence:
            return
        said[of] = _Said(sequence, isinstance(brake, BrakeSet), event.time, position.offset)
        self._decide(brake.scope)

    def forget(self, place: Place) -> None:
        """Forget what was read in a partition: it is read again before it counts again."""
        for scope, said in list(self._said.items()):
            for of in [of for of in said if of[1] == place]:
                del said[of]
            self._decide(scope)

    def _decide(self, scope: str) -> None:
        if self._is_set(scope) != (scope in self.braked):
            self.braked ^= {scope}
        if not self._said[scope]:
            del self._said[scope]

    def _is_set(self, scope: str) -> bool:
        last: _Word | None = None
        for source in sorted({source for source, _ in self._said[scope]}):
            word = self._word(scope, source)
            if last is None or word.is_after(last):
                last = word
        return last is not None and last.is_set

    def _word(self, scope: str, source: str) -> _Word:
        own = {place: said for (of, place), said in self._said[scope].items() if of == source}
        highest = max(said.sequence for said in own.values())
        copies = {place: said for place, said in own.items() if said.sequence == highest}
        return _Word(
            is_set=next(iter(copies.values())).is_set,
            time=min(said.time for said in copies.values()),
            offsets={place: said.offset for place, said in copies.items()},
        )
