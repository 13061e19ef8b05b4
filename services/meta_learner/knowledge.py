"""What payoffs have taught: sums per source, from which the posterior of every arm is made anew.

The posterior is the catalogue's expectation and what each source adds, no source more than its cap. A source that is
distrusted leaves with its sums, and the rest is as if it had never spoken.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN
from river.linear_model import LinearRegression

from homeostat.events import Arm
from homeostat.stats.hierarchical import Payoffs, Sums, payoffs
from meta_learner.settings import LearnerSettings

Floats = NDArray[np.float64]
UNKNOWN = "unknown"
"""Source of rows that nobody signed for."""
FAILURES = "failures"
"""Source of the payoffs of trainings that failed: our own hands."""


@dataclass(slots=True)
class Score:
    """How one arm's predictions have done, each made before its payoff was seen.

    Args:
        beside: river's regression on the same data; a baseline, never decides.
        n: Payoffs seen.
        error: Sum of absolute errors, in payoff units.
        error_beside: The same for `beside`.
        covered: How often the 90 % interval held the payoff.
        seconds: Mean training time.
        seconds_spread: Sum of squared deviations from it.
    """

    beside: LinearRegression
    n: int = 0
    error: float = 0.0
    error_beside: float = 0.0
    covered: int = 0
    seconds: float = 0.0
    seconds_spread: float = 0.0

    def most_seconds(self, z: float) -> float:
        """Upper bound of the next training time; 0 before the first."""
        variance = self.seconds_spread / (self.n - 1) if self.n > 1 else 0.0
        return self.seconds + z * float(np.sqrt(variance))


@dataclass(slots=True)
class Knowledge:
    """Of one family.

    Args:
        features: Names of the meta-features, in the order of every context behind the intercept.
        arms: Names in the order of the sums; an arm keeps its place for good.
        expected: Gain by arm that the catalogue expects.
        scores: By arm.
        sources: Sums by source.
        errors: Change detector of the prediction errors: the meta-model is watched like any model.
        n_drifts: How often it spoke.
        n_left_out: Payoffs of sources beyond the bound.
        parent: What the other families of the parent have seen.
        is_parent_dropped: It did harm, and does not count any more.
        harm: Sum of absolute errors with the parent's prior minus without.
        n_compared: Predictions behind it.
        n_untold: Payoffs learned since the parent was told.
    """

    features: list[str] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    scores: dict[str, Score] = field(default_factory=dict)
    sources: dict[str, Sums] = field(default_factory=dict)
    errors: ADWIN = field(default_factory=ADWIN)
    n_drifts: int = 0
    n_left_out: int = 0
    parent: Sums | None = None
    is_parent_dropped: bool = False
    harm: float = 0.0
    n_compared: int = 0
    n_untold: int = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of all arms in one context, in payoff units, without their price.

    Args:
        arms: Names.
        payoffs: Joint posterior, in units of `LearnerSettings.unit`, without the catalogue's expectation.
        mean: (k,).
        sd: (k,).
    """

    arms: list[str]
    payoffs: Payoffs
    mean: Floats
    sd: Floats

    def of(self, arm: str) -> tuple[float, float]:
        """Mean and standard deviation of one arm."""
        place = self.arms.index(arm)
        return float(self.mean[place]), float(self.sd[place])


def admit(knowledge: Knowledge, arms: tuple[Arm, ...], features: list[str]) -> None:
    """Give every new arm a place: what the catalogue expects, and wide."""
    if not knowledge.features:
        knowledge.features = features
    for arm in arms:
        if arm.name not in knowledge.scores:
            knowledge.arms.append(arm.name)
            knowledge.expected.append(arm.predicted_gain)
            knowledge.scores[arm.name] = Score(LinearRegression())
    for source, sums in knowledge.sources.items():
        if len(sums.n) < len(knowledge.arms):
            knowledge.sources[source] = sums.widened(len(knowledge.arms))
    if knowledge.parent is not None and len(knowledge.parent.n) < len(knowledge.arms):
        knowledge.parent = knowledge.parent.widened(len(knowledge.arms))


def pooled(knowledge: Knowledge, settings: LearnerSettings) -> Sums:
    """Add the sources up in the order of their names, each capped."""
    total = Sums.empty(len(knowledge.arms), len(knowledge.features) + 1)
    for _, sums in sorted(knowledge.sources.items()):
        _add(total, sums.capped(settings.source_cap))
    return total


def _add(total: Sums, more: Sums) -> None:
    total.products += more.products
    total.moments += more.moments
    total.n += more.n


def predict(
    knowledge: Knowledge, context: Floats, settings: LearnerSettings, *, with_parent: bool = True
) -> Prediction:
    """Make the posterior of every arm from all sources, and from the parent's prior unless that was dropped."""
    total = pooled(knowledge, settings)
    if with_parent and knowledge.parent is not None and not knowledge.is_parent_dropped:
        _add(total, knowledge.parent.capped(settings.parent_cap))
    found = payoffs(total, context, shared_sd=settings.shared_sd, own_sd=settings.own_sd, noise_sd=settings.noise_sd)
    mean = np.array(knowledge.expected) + found.mean * settings.unit
    return Prediction(list(knowledge.arms), found, mean, found.sd * settings.unit)


def observe(
    knowledge: Knowledge, source: str, arm: str, context: Floats, payoff: float, settings: LearnerSettings
) -> None:
    """Add a payoff to its source's sums; a source beyond the bound is counted, not learned from."""
    if source not in knowledge.sources:
        if len(knowledge.sources) >= settings.n_sources:
            knowledge.n_left_out += 1
            return
        knowledge.sources[source] = Sums.empty(len(knowledge.arms), len(context))
    place = knowledge.arms.index(arm)
    knowledge.n_untold += 1
    knowledge.sources[source].observe(place, context, (payoff - knowledge.expected[place]) / settings.unit)


def fade(knowledge: Knowledge, share: float) -> None:
    """Let all that was seen count for less: the world has moved on."""
    for sums in knowledge.sources.values():
        sums.fade(share)


def forget(knowledge: Knowledge, source: str) -> None:
    """Take back all that a source had a part in."""
    for joint in [name for name in knowledge.sources if source in name.split("|")]:
        del knowledge.sources[joint]


def named(sources: tuple[str, ...]) -> str:
    """Name of what several sources say together."""
    return "|".join(sorted(set(sources))) or UNKNOWN
