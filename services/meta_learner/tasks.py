"""Few-shot tasks that wait for a meta-training, counted by who told of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from homeostat.core import Event
from homeostat.events.sources import rests_on, shared_name


@dataclass(slots=True)
class Tasks:
    """Few-shot tasks since the last meta-training; `source`, `first`, `last` and `since` name their range.

    `seconds` is what the last meta-training took, `current` what the open one continues from. `asked` of them were
    there when it was proposed, `n_denied` times in a row in vain; at `again_at` it is proposed again. Tasks are counted
    by their source: those of a distrusted one are none.
    """

    new: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    source: str = ""
    first: str = ""
    last: str = ""
    since: int = 0
    seconds: float = 0.0
    open_action: str = ""
    current: str | None = None
    n_denied: int = 0
    again_at: int | None = None

    def take(self, event: Event, at: str, source: str, most: int) -> None:
        """Count a task.

        Args:
            event: That tells of it.
            at: `ce_id` of the task with its arrays, on the tasks log.
            source: Who published it.
            most: Sources that are told apart; further ones share names.
        """
        if event.source != self.source:  # the log was made again: a range lies in one source
            self.source, self.first, self.since, self.new, self.total = event.source, at, event.time, {}, {}
        self.last = at
        for counts in (self.new, self.total):
            name = source if source in counts or len(counts) < most else shared_name(source)
            counts[name] = counts.get(name, 0) + 1

    def ask_again(self) -> None:
        """Let the tasks that were there at the last proposal count once more."""
        for name, n in self.asked.items():
            self.new[name] = self.new.get(name, 0) + n

    @staticmethod
    def count(counts: Mapping[str, int], distrusted: Collection[str]) -> int:
        """Return how many of these rest on nobody who is distrusted."""
        return sum(n for name, n in counts.items() if not rests_on([name], distrusted))
