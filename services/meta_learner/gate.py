"""The conservative gate: off the rule's path only as far as what was gained pays for it.

The value of a decision is the accuracy that its horizon is expected to have, net of price. Over all decisions, what was
chosen must be worth at least a share of what the rule would have had, even if everything that is still open ends at its
lower bound. Source: Kazerouni et al. 2017 (conservative linear UCB).
"""

from dataclasses import dataclass, field

from homeostat.services.meta_learner.sources import place, restore, withdraw


@dataclass(slots=True)
class Ledger:
    """Values of decisions so far.

    Args:
        closed: By the key of the sources whose rows said it: sum of the values of what was chosen, and of the rule's
            arm for the same decisions.
        aside: The same of sources that are distrusted.
        open_own: Lower bounds, where it is not known yet.
        open_baseline: Expected values of the rule's arm, for the same.
    """

    closed: dict[str, tuple[float, float]] = field(default_factory=dict)
    aside: dict[str, tuple[float, float]] = field(default_factory=dict)
    open_own: float = 0.0
    open_baseline: float = 0.0

    def totals(self) -> tuple[float, float]:
        """Return the value of all that was chosen, where it is known, and of the rule's arm for the same decisions."""
        own = baseline = 0.0
        for _, (more, rule) in sorted(self.closed.items()):
            own, baseline = own + more, baseline + rule
        return own, baseline

    def allows(self, low: float, baseline: float, share: float) -> bool:
        """Tell whether a decision may be taken.

        Args:
            low: Lower bound of its value.
            baseline: Expected value of the rule's arm.
            share: Of the rule's value that must be kept, in (0, 1].
        """
        closed_own, closed_baseline = self.totals()
        return closed_own + self.open_own + low >= share * (closed_baseline + self.open_baseline + baseline)

    def open(self, low: float, baseline: float) -> None:
        """Book a decision whose payoffs are awaited."""
        self.open_own += low
        self.open_baseline += baseline

    def close(self, low: float, baseline: float) -> None:
        """Take what was booked with `open` out: it is not open any more."""
        self.open_own -= low
        self.open_baseline -= baseline

    def book(self, key: str, own: float, rule: float, most: int) -> None:
        """Book what came of a decision under the sources that said so.

        Args:
            key: Of the sources.
            own: Value of what was chosen.
            rule: Value of the rule's arm.
            most: Keys at most; further ones share a few.
        """
        at = place(self.closed, key, most)
        self.closed[at] = _sum(self.closed.get(at, (0.0, 0.0)), (own, rule))

    def withdraw(self, source: str, most: int) -> None:
        """Set aside what was booked by the word of a source."""
        withdraw(self.closed, self.aside, source, most, _sum)

    def restore(self, distrusted: list[str]) -> None:
        """Take back in what rests on nobody who is distrusted any more."""
        restore(self.closed, self.aside, distrusted, _sum)


def _sum(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]
