"""The conservative gate: off the rule's path only as far as what was gained pays for it.

The value of a decision is the accuracy that its horizon is expected to have, net of price. Over all decisions, what was
chosen must be worth at least a share of what the rule would have had, even if everything that is still open ends at its
lower bound. Source: Kazerouni et al. 2017 (conservative linear UCB).
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Ledger:
    """Values of decisions so far.

    Args:
        own: Of what was chosen, where it is known.
        baseline: Of the rule's arm, for the same decisions.
        open_own: Lower bounds, where it is not known yet.
        open_baseline: Expected values of the rule's arm, for the same.
    """

    own: float = 0.0
    baseline: float = 0.0
    open_own: float = 0.0
    open_baseline: float = 0.0

    def allows(self, low: float, baseline: float, share: float) -> bool:
        """Tell whether a decision may be taken.

        Args:
            low: Lower bound of its value.
            baseline: Expected value of the rule's arm.
            share: Of the rule's value that must be kept, in (0, 1].
        """
        return self.own + self.open_own + low >= share * (self.baseline + self.open_baseline + baseline)

    def open(self, low: float, baseline: float) -> None:
        """Book a decision whose payoffs are awaited."""
        self.open_own += low
        self.open_baseline += baseline

    def close(self, low: float, baseline: float, *, own: float, rule: float) -> None:
        """Replace what was booked by what came of it."""
        self.open_own -= low
        self.open_baseline -= baseline
        self.own += own
        self.baseline += rule
