"""Retrains that a rule has denied for the time being: each is proposed again, with what is known by then."""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from homeostat.services.meta_learner.retraining import Look

_SLACK: Final = 16
"""Entries of the queue that may be out of date before it is made anew."""


@dataclass(slots=True)
class Postponed:
    """A retrain that is proposed again.

    Args:
        look: The newest one of its drift.
        until: When, ms.
        cooled_at: When a profile that comes before may be asked about, ms.
    """

    look: Look
    until: int
    cooled_at: int


@dataclass(slots=True)
class PostponedRetrains:
    """Of one family.

    Args:
        by_model: They.
        queue: Heap of times and models; entries that `by_model` does not bear out are out of date, the first never is.
    """

    by_model: dict[str, Postponed] = field(default_factory=dict)
    queue: list[tuple[int, str]] = field(default_factory=list)

    @property
    def next_at(self) -> int | None:
        """When the first of them is due, ms; None if nothing waits."""
        return self.queue[0][0] if self.queue else None

    def add(self, model: str, postponed: Postponed) -> None:
        """Postpone a model's retrain, in place of one that was postponed before."""
        self.by_model[model] = postponed
        heappush(self.queue, (postponed.until, model))
        self._prune()

    def discard(self, model: str) -> None:
        """Give a model's retrain up; one that nobody knows changes nothing."""
        if self.by_model.pop(model, None) is not None:
            self._prune()

    def update(self, model: str, look: Look, now: int) -> bool:
        """Take the newest profile of a model in, while it would be denied for certain.

        Args:
            model: `scope/model`.
            look: At the newest profile.
            now: Broker time, ms.

        Returns:
            Whether the retrain still waits; else it is given up, as it may be asked for with this profile.
        """
        postponed = self.by_model.get(model)
        if postponed is not None and postponed.cooled_at > now:
            postponed.look = look
            return True
        self.discard(model)
        return False

    def due(self, now: int) -> list[tuple[str, Look]]:
        """Take out those whose time has come, by name of the model."""
        found = list[tuple[str, Look]]()
        while self.queue and self.queue[0][0] <= now:
            _, model = self.queue[0]
            found.append((model, self.by_model.pop(model).look))
            self._prune()
        return sorted(found, key=lambda one: one[0])

    def release(self, now: int) -> None:
        """Let everything be asked again that waits: the rules have changed."""
        for postponed in self.by_model.values():
            postponed.until = postponed.cooled_at = min(postponed.until, now)
        self._rebuild()

    def _prune(self) -> None:
        while self.queue and not self._is_valid(*self.queue[0]):
            heappop(self.queue)
        if len(self.queue) > 2 * len(self.by_model) + _SLACK:
            self._rebuild()

    def _is_valid(self, until: int, model: str) -> bool:
        postponed = self.by_model.get(model)
        return postponed is not None and postponed.until == until

    def _rebuild(self) -> None:
        self.queue = [(postponed.until, model) for model, postponed in self.by_model.items()]
        heapify(self.queue)
