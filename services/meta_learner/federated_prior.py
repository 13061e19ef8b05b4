"""What families learn from each other: sums that one shares with its parent, and the parent with its other children.

Sums of payoffs are free of what a catalogue expected, so that families with different catalogues may share them. A
family counts what it is given for at most `parent_cap` observations of an arm, and drops it when its own predictions
have been better without. Families never mix in any other way.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Emit, Event
from homeostat.core.identity import scope_of
from homeostat.events import PriorContributed, PriorPublished
from homeostat.events.logs import EXPERIENCE
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.stats.hierarchical import Sums

Floats = NDArray[np.float64]


@dataclass(slots=True)
class ParentPrior:
    """Of a family that has a parent: what its other children have seen, on trial against doing without.

    Args:
        sums: In units of the noise; None before the first word of the parent.
        is_dropped: It did harm, and does not count any more.
        harm: Sum of absolute errors of predictions with it minus without.
        n_compared: Predictions behind `harm`.
    """

    sums: Sums | None = None
    is_dropped: bool = False
    harm: float = 0.0
    n_compared: int = 0

    @property
    def in_use(self) -> Sums | None:
        """What counts now."""
        return None if self.is_dropped else self.sums

    def update(self, error: float, error_alone: float, trial: int) -> tuple[float, int] | None:
        """Compare a prediction with and without the prior, before the payoff is learned; drop it if it harms.

        Args:
            error: Absolute error with it.
            error_alone: Absolute error without.
            trial: Predictions before it may be dropped.

        Returns:
            Mean harm and the predictions behind it, once, when it is dropped.
        """
        self.n_compared += 1
        self.harm += error - error_alone
        if self.n_compared < trial or self.harm <= 0.0:
            return None
        self.is_dropped = True
        return self.harm / self.n_compared, self.n_compared

    def widen(self, k: int) -> None:
        """Give further arms a place, k together."""
        if self.sums is not None and len(self.sums.n) < k:
            self.sums = self.sums.widened(k)

    def select(self, rows: list[int]) -> None:
        """Keep some of the arms, in this order."""
        if self.sums is not None:
            self.sums = self.sums.selected(rows)

    def reset_trial(self) -> None:
        """Begin to compare anew; what was dropped counts again."""
        self.is_dropped, self.harm, self.n_compared = False, 0.0, 0

    def reset(self) -> None:
        """Forget what came from the parent."""
        self.sums = None
        self.reset_trial()


@dataclass(slots=True)
class ChildShares:
    """Of a family that is a parent.

    Args:
        by_family: What each child has learned, as it told last.
    """

    by_family: dict[str, PriorContributed] = field(default_factory=dict)

    def update(self, event: Event, share: PriorContributed, settings: LearnerSettings) -> tuple[Emit, ...]:
        """Keep a child's share, and give every child the sum of the others'.

        Where there are too many, the one that has seen least leaves: a family that has seen nothing takes nobody's
        place.

        Args:
            event: That brought it.
            share: Of one child.
            settings: With the most children.
        """
        if share.family not in self.by_family and len(self.by_family) >= settings.n_sources:
            least = min(self.by_family, key=lambda family: (_seen(self.by_family[family]), family))
            if _seen(share) <= _seen(self.by_family[least]):
                return ()
            del self.by_family[least]
        self.by_family[share.family] = share
        return tuple(Emit(EXPERIENCE, self._prior_of(child, event.subject), child) for child in sorted(self.by_family))

    def _prior_of(self, child: str, parent: str) -> PriorPublished:
        known = self.by_family.values()
        features = self.by_family[child].features or next((one.features for one in known if one.features), ())
        total: dict[str, Floats] = {}
        for other, share in sorted(self.by_family.items()):
            if other != child and share.features == features:
                for arm, numbers in sorted(share.statistics.items()):
                    before = total.get(arm)
                    total[arm] = np.array(numbers) if before is None else before + np.array(numbers)
        statistics = {arm: tuple(numbers.tolist()) for arm, numbers in total.items()}
        return PriorPublished(parent=parent, features=features, statistics=statistics)


def contribution(
    family: str, parent: str, features: tuple[str, ...] = (), statistics: dict[str, tuple[float, ...]] | None = None
) -> Emit:
    """Tell the parent what a family has learned, replacing what it told before; nothing takes its share back.

    Args:
        family: `scope/family`.
        parent: Name of the parent, in the same scope.
        features: Names of the meta-features.
        statistics: By arm.
    """
    data = PriorContributed(family=family, features=features, statistics=statistics or {})
    return Emit(EXPERIENCE, data, f"{scope_of(family)}/{parent}")


def _seen(share: PriorContributed) -> float:
    """Return how many payoffs a share rests on."""
    return sum(numbers[0] for _, numbers in sorted(share.statistics.items()) if numbers)
