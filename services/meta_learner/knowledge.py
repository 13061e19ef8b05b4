"""What payoffs have taught: sums per source, from which the posterior of every arm is made anew.

The posterior is the catalogue's expectation and what each source adds, no source more than its cap. A source that is
distrusted leaves with its sums, and the rest is as if it had never spoken.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from river.linear_model import LinearRegression
from river.preprocessing import StandardScaler

from homeostat.events import Arm
from homeostat.stats.hierarchical import Payoffs, Sums, payoffs
from meta_learner import sources
from meta_learner.settings import LearnerSettings
from meta_learner.sources import Lessons

Floats = NDArray[np.float64]
_MOST_ARMS: Final = 128


@dataclass(slots=True)
class Score:
    """How one arm's predictions have done, each made before its payoff was seen.

    Args:
        beside: river's regression on the same data, scaled; a baseline, never decides.
        scaler: Of its features.
        n: Payoffs seen.
        error: Sum of absolute errors, in payoff units.
        error_beside: The same for `beside`.
        covered: How often the 90 % interval held the payoff.
        seconds: Mean training time.
        seconds_spread: Sum of squared deviations from it.
    """

    beside: LinearRegression
    scaler: StandardScaler
    n: int = 0
    error: float = 0.0
    error_beside: float = 0.0
    covered: int = 0
    seconds: float = 0.0
    seconds_spread: float = 0.0

    def most_seconds(self, z: float) -> float:
        """Upper bound of the next training time; 0 before the first.

        What one expects before the second is a spread of half the mean; the mean itself is not sure either.
        """
        if not self.n:
            return 0.0
        variance = (self.seconds_spread + 0.25 * self.seconds * self.seconds) / self.n
        return self.seconds + z * float(np.sqrt(variance * (1.0 + 1.0 / self.n)))


def predict_beside(score: Score, features: dict[str, float]) -> float:
    """Return what river's regression expects."""
    scaled = score.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
    return float(score.beside.predict_one(scaled))  # type: ignore[no-untyped-call]  # river


def learn_beside(score: Score, features: dict[str, float], y: float) -> None:
    """Let river's regression learn too."""
    score.scaler.learn_one(features)  # type: ignore[no-untyped-call]  # river
    scaled = score.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
    score.beside.learn_one(scaled, y)


@dataclass(slots=True)
class Knowledge:
    """Of one family.

    Args:
        features: Names of the meta-features, in the order of every context behind the intercept.
        arms: Names in the order of the sums.
        expected: Gain by arm that the catalogue expects.
        scores: By arm.
        lessons: What was taught, by the key of the sources that taught it.
        n_drifts: How often the errors of predictions rose: the meta-model is watched like any model.
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
    lessons: dict[str, Lessons] = field(default_factory=dict)
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
            knowledge.scores[arm.name] = Score(LinearRegression(), StandardScaler())
    for one in knowledge.lessons.values():
        if len(one.sums.n) < len(knowledge.arms):
            one.sums = one.sums.widened(len(knowledge.arms))
    if knowledge.parent is not None and len(knowledge.parent.n) < len(knowledge.arms):
        knowledge.parent = knowledge.parent.widened(len(knowledge.arms))


def retire(knowledge: Knowledge, kept: set[str]) -> None:
    """Forget the arms that are not kept, once there are many: a catalogue may change for ever."""
    if len(knowledge.arms) <= _MOST_ARMS:
        return
    rows = [row for row, arm in enumerate(knowledge.arms) if arm in kept]
    knowledge.arms = [knowledge.arms[row] for row in rows]
    knowledge.expected = [knowledge.expected[row] for row in rows]
    knowledge.scores = {arm: score for arm, score in knowledge.scores.items() if arm in kept}
    for one in knowledge.lessons.values():
        one.sums = one.sums.selected(rows)
    if knowledge.parent is not None:
        knowledge.parent = knowledge.parent.selected(rows)


def pooled(knowledge: Knowledge, settings: LearnerSettings) -> Sums:
    """Add up what all sources have taught, each capped."""
    return sources.pooled(knowledge.lessons, len(knowledge.arms), len(knowledge.features) + 1, settings.source_cap)


def predict(
    knowledge: Knowledge, context: Floats, settings: LearnerSettings, *, with_parent: bool = True
) -> Prediction:
    """Make the posterior of every arm from all sources, and from the parent's prior unless that was dropped."""
    total = pooled(knowledge, settings)
    if with_parent and knowledge.parent is not None and not knowledge.is_parent_dropped:
        total.add(knowledge.parent.capped(settings.parent_cap))
    found = payoffs(total, context, shared_sd=settings.shared_sd, own_sd=settings.own_sd, noise_sd=settings.noise_sd)
    mean = np.array(knowledge.expected) + found.mean * settings.unit
    return Prediction(list(knowledge.arms), found, mean, found.sd * settings.unit)


def observe(
    knowledge: Knowledge, key: str, arm: str, context: Floats, payoff: float, settings: LearnerSettings
) -> Lessons | None:
    """Learn a payoff.

    Args:
        knowledge: Changed.
        key: Of the sources behind the payoff.
        arm: Whose it is.
        context: (d,) of the decision.
        payoff: In payoff units.
        settings: Of the learner.

    Returns:
        The lessons it went to; None if there are too many sources: it is counted, not learned.
    """
    lessons = sources.admit(knowledge.lessons, key, len(knowledge.arms), len(context), settings.n_sources)
    if lessons is None:
        knowledge.n_left_out += 1
        return None
    place = knowledge.arms.index(arm)
    knowledge.n_untold += 1
    lessons.sums.observe(place, context, (payoff - knowledge.expected[place]) / settings.unit)
    return lessons


def forget(knowledge: Knowledge, source: str) -> None:
    """Take back all that a source had a part in; it may have judged the parent's prior, so that is on trial anew."""
    sources.forget(knowledge.lessons, source)
    knowledge.is_parent_dropped, knowledge.harm, knowledge.n_compared = False, 0.0, 0
