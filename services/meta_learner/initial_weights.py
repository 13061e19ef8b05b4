"""The initial weights of a family that may be used, and those that may not because of whom they rest on."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Emit
from homeostat.events import WeightsPublished, WeightsWithdrawn
from homeostat.events.logs import EXPERIENCE
from homeostat.events.sources import rests_on

_MOST: Final = 4
"""Older ones are kept for the case that a source of the newest is distrusted."""


@dataclass(slots=True)
class Weights:
    """Initial weights that have passed their gate.

    Args:
        artifact: Digest.
        sources: Whose tasks they were trained on.
        number: In the order in which they were published.
    """

    artifact: str
    sources: list[str]
    number: int = 0


@dataclass(slots=True)
class InitialWeights:
    """Of one family.

    Args:
        usable: The newest last.
        withdrawn: The same of sources that are distrusted.
    """

    usable: list[Weights] = field(default_factory=list)
    withdrawn: list[Weights] = field(default_factory=list)

    @property
    def newest(self) -> str | None:
        """Artifact that may be used; None without any."""
        return self.usable[-1].artifact if self.usable else None

    def update(
        self, data: WeightsPublished, continued_from: str | None, distrusted: Collection[str]
    ) -> tuple[Emit, ...]:
        """Take note of weights that have passed their gate; those of a distrusted source are withdrawn at once.

        Args:
            data: As published.
            continued_from: Artifact that the training began with: its sources count too.
            distrusted: Sources.
        """
        known = (*self.usable, *self.withdrawn)
        before = next((one.sources for one in known if one.artifact == continued_from), [])
        number = 1 + max((one.number for one in known), default=0)
        one = Weights(data.artifact, sorted({*data.sources, *before}), number)
        if rests_on(one.sources, distrusted):
            self._set_aside([one])
            return (_withdrawn(data.family, one, distrusted),)
        self.usable = [*self.usable, one][-_MOST:]
        return ()

    def withdraw(self, family: str, source: str, distrusted: Collection[str]) -> tuple[Emit, ...]:
        """Set aside the weights that were trained on a source's tasks; whoever has them must not use them.

        Args:
            family: `scope/family`.
            source: Distrusted now.
            distrusted: Everybody who is.

        Returns:
            What says so.
        """
        bad = [one for one in self.usable if rests_on(one.sources, [source])]
        self.usable = [one for one in self.usable if one not in bad]
        self._set_aside(bad)
        return tuple(_withdrawn(family, one, distrusted) for one in bad)

    def restore(self, distrusted: Collection[str]) -> None:
        """Take back in what rests on nobody who is distrusted any more; who knows of the trust may use it again."""
        good = [one for one in self.withdrawn if not rests_on(one.sources, distrusted)]
        self.withdrawn = [one for one in self.withdrawn if one not in good]
        self.usable = sorted([*self.usable, *good], key=lambda one: one.number)[-_MOST:]

    def reset(self, family: str, reason: str) -> tuple[Emit, ...]:
        """Give all weights up for good: no task fits them any more; return what says so."""
        given_up = [*self.usable, *self.withdrawn]
        self.usable, self.withdrawn = [], []
        return tuple(
            Emit(EXPERIENCE, WeightsWithdrawn(family=family, artifact=one.artifact, reason=reason)) for one in given_up
        )

    def _set_aside(self, bad: list[Weights]) -> None:
        self.withdrawn = [*self.withdrawn, *bad][-_MOST:]


def _withdrawn(family: str, one: Weights, distrusted: Collection[str]) -> Emit:
    source = next(source for source in distrusted if rests_on(one.sources, [source]))
    reason = f"they rest on {source}, which is distrusted"
    return Emit(EXPERIENCE, WeightsWithdrawn(family=family, artifact=one.artifact, source=source, reason=reason[:2000]))
