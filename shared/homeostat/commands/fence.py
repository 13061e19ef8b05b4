"""Up to where the commands about a target were seen: what is not above it is a repeat, or stale."""

from bisect import insort
from collections.abc import Mapping
from typing import Final, NamedTuple

from homeostat.commands.brakes import Place
from homeostat.commands.notary_keys import Seal, is_genuine, seal_of
from homeostat.core import Event
from homeostat.core.identity import sequence_of
from homeostat.events import Command, ThresholdRevert, ThresholdSet
from homeostat.events.series import series_of

_MOST_HEARD: Final = 4
"""Of one target, of whose signature nothing is known yet: a check takes four times as long as reading, and a long
history has many commands that nobody asks for again."""

_Target = tuple[str, str, str, str]
"""Source, kind of action, model or family, and series: what one sequence of commands is about."""


class _Heard(NamedTuple):
    sequence: str
    place: Place
    seal: Seal


class Fence:
    """The highest sequence of each source about each target; only what the notary has signed raises it.

    Args:
        public_keys: Of the notary: hex by id.
    """

    def __init__(self, public_keys: Mapping[str, str]) -> None:
        self._keys = public_keys
        self._last: dict[_Target, tuple[str, Place]] = {}
        self._heard: dict[_Target, list[_Heard]] = {}

    def last(self, event: Event) -> str:
        """Sequence up to which the target of a command was seen; empty if it was not."""
        target = _target(event)
        while heard := self._heard.get(target):
            self._decide(target, heard)
        return self._last.get(target, ("", None))[0]

    def seen(self, event: Event) -> None:
        """Take note of a command whose signature holds."""
        self._raise(_target(event), sequence_of(event.id), _place(event))

    def heard(self, event: Event) -> None:
        """Take note of a command whose signature nobody has looked at: that is done when it matters.

        Raises:
            Reject: `id_invalid`: no fold has said it.
        """
        target, sequence = _target(event), sequence_of(event.id)
        if sequence <= self._last.get(target, ("", None))[0]:
            return
        heard = self._heard.setdefault(target, [])
        insort(heard, _Heard(sequence, _place(event), seal_of(event)), key=lambda one: one.sequence)
        if len(heard) > _MOST_HEARD:
            self._decide(target, heard)

    def forget(self, place: Place) -> None:
        """Forget what was read in a partition."""
        self._last = {target: last for target, last in self._last.items() if last[1] != place}
        kept = {target: [one for one in heard if one.place != place] for target, heard in self._heard.items()}
        self._heard = {target: heard for target, heard in kept.items() if heard}

    def _decide(self, target: _Target, heard: list[_Heard]) -> None:
        """Look at the highest one: if it is genuine nothing below it matters, else it is nothing."""
        highest = heard.pop()
        if is_genuine(highest.seal, self._keys):
            heard.clear()
            self._raise(target, highest.sequence, highest.place)
        if not heard:
            del self._heard[target]

    def _raise(self, target: _Target, sequence: str, place: Place) -> None:
        if sequence > self._last.get(target, ("", place))[0]:
            self._last[target] = (sequence, place)


def _place(event: Event) -> Place:
    return event.position.topic, event.position.partition


def _target(event: Event) -> _Target:
    """What a command is about: thresholds of one model go each their own way."""
    command = event.data
    assert isinstance(command, Command)
    kind, series = command.TYPE.split(".")[1], ""
    if isinstance(command, ThresholdSet):
        series = series_of(command.band.signal, command.band.layer, command.band.attributes).key
    elif isinstance(command, ThresholdRevert):
        series = series_of(command.signal, command.layer, command.attributes).key
    return event.source, kind, command.model or command.family, series
