"""How many subjects a door has a state for: names are free, and every state is kept, stored and restored."""

from dataclasses import dataclass, field
from typing import Final

SUBJECTS_OF_SCOPE: Final = 10_000
"""Of one door: what two cores take in within five seconds, for that long the others wait. Larger fleets are several
scopes."""

SUBJECTS: Final = 50_000
"""Of one door, whatever their scopes; as many models as the governor knows without a word from anybody."""

EVERYBODY: Final = "*"
"""Stands for all scopes; no scope has this name at a door whose subjects are models or families."""

Place = tuple[int, int]
"""Generation and offset of a record."""


@dataclass(slots=True)
class Newcomers:
    """Counts of one partition of a door, part of its tally: a replay lets the same subjects in.

    The first come stay: a flood of names displaces nobody who was there before it. Nothing is let in again later, as no
    state is ever dropped; who needs more subjects uses more scopes, or more partitions.

    Args:
        n: Subjects by scope; under `EVERYBODY` all of them.
        closed: First record that was refused for want of a place, by the same names.
    """

    n: dict[str, int] = field(default_factory=dict)
    closed: dict[str, Place] = field(default_factory=dict)

    def refuses(self, scope: str, place: Place, n_partitions: int, *, is_counted: bool) -> str:
        """Say which bound keeps a new subject out, if any.

        Args:
            scope: Of the subject.
            place: Of the record.
            n_partitions: Number of partitions of the door: each has its share.
            is_counted: The counts hold this record already, as after a crash in the middle of a snapshot: what was said
                then is said again.

        Returns:
            The scope, `EVERYBODY`, or nothing.
        """
        for name, most in ((scope, SUBJECTS_OF_SCOPE), (EVERYBODY, SUBJECTS)):
            generation, offset = self.closed.get(name, (-1, 0))
            if is_counted:
                if generation == place[0] and offset <= place[1]:
                    return name
            elif self.n.get(name, 0) * n_partitions >= most:
                if generation != place[0]:
                    self.closed[name] = place
                return name
        return ""

    def take(self, scope: str) -> None:
        """Count a new subject."""
        for name in {scope, EVERYBODY}:
            self.n[name] = self.n.get(name, 0) + 1
