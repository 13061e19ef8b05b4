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
from homeostat.services.meta_learner import sources
from homeostat.services.meta_learner.records import Record, Score
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.sources import Lessons
from homeostat.stats.hierarchical import Payoffs, Sums, payoffs

Floats = NDArray[np.float64]
_MOST_ARMS: Final = 128


@dataclass(slots=True)
class Beside:
    """river's regression of one arm's payoffs: a baseline, never decides. Unable to unlearn, it begins anew.

    Args:
        regression: On scaled features.
        scaler: Of its features.
    """

    regression: LinearRegression = field(default_factory=LinearRegression)
    scaler: StandardScaler = field(default_factory=StandardScaler)


def predict_beside(beside: Beside, features: dict[str, float]) -> float:
    """Return what river's regression expects."""
    scaled = beside.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
    return float(beside.regression.predict_one(scaled))  # type: ignore[no-untyped-call]  # river


def learn_beside(beside: Beside, features: dict[str, float], y: float) -> None:
    """Let river's regression learn too."""
    beside.scaler.learn_one(features)  # type: ignore[no-untyped-call]  # river
    scaled = beside.scaler.transform_one(features)  # type: ignore[no-untyped-call]  # river
    beside.regression.learn_one(scaled, y)


@dataclass(slots=True)
class Knowledge:
    """Of one family.

    Args:
        features: Names of the meta-features, in the order of every context behind the intercept.
        arms: Names in the order of the sums.
        expected: Gain by arm that the catalogue expects.
        beside: By arm.
        lessons: What was taught, by the key of the sources that taught it.
        aside: The same of sources that are distrusted.
        n_left_out: Payoffs that nothing was learned from: of arms that the catalogue had no more.
        parent: What the other families of the parent have seen.
        is_parent_dropped: It did harm, and does not count any more.
        harm: Sum of absolute errors with the parent's prior minus without.
        n_compared: Predictions behind it.
        n_untold: Payoffs learned since the parent was told.
    """

    features: list[str] = field(default_factory=list)
    arms: list[str] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    beside: dict[str, Beside] = field(default_factory=dict)
    lessons: dict[str, Lessons] = field(default_factory=dict)
    aside: dict[str, Lessons] = field(default_factory=dict)
    n_left_out: int = 0
    parent: Sums | None = None
    is_parent_dropped: bool = False
    harm: float = 0.0
    n_compared: int = 0
    n_untold: int = 0

    @property
    def n_drifts(self) -> int:
        """How often the errors of predictions rose: the meta-model is watched like any model."""
        return sum(one.n_drifts for one in self.lessons.values())

    @property
    def width(self) -> int:
        """Numbers of a context: the intercept and the features."""
        return len(self.features) + 1

    def score(self, arm: str) -> Score | None:
        """Return how predictions of an arm have done by everybody's word; None for an arm that nobody knows."""
        if arm not in self.beside:
            return None
        total = Record.empty(len(self.arms))
        for _, one in sorted(self.lessons.items()):
            total.add(one.record)
        return Score.of(total, self.arms.index(arm))


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
        if arm.name not in knowledge.beside:
            knowledge.arms.append(arm.name)
            knowledge.expected.append(arm.predicted_gain)
            knowledge.beside[arm.name] = Beside()
    for one in (*knowledge.lessons.values(), *knowledge.aside.values()):
        if len(one.sums.n) < len(knowledge.arms):
            one.sums = one.sums.widened(len(knowledge.arms))
            one.record = one.record.widened(len(knowledge.arms))
    if knowledge.parent is not None and len(knowledge.parent.n) < len(knowledge.arms):
        knowledge.parent = knowledge.parent.widened(len(knowledge.arms))


def retire(knowledge: Knowledge, kept: set[str]) -> None:
    """Forget the arms that are not kept, once there are many: a catalogue may change for ever."""
    if len(knowledge.arms) <= _MOST_ARMS:
        return
    rows = [row for row, arm in enumerate(knowledge.arms) if arm in kept]
    knowledge.arms = [knowledge.arms[row] for row in rows]
    knowledge.expected = [knowledge.expected[row] for row in rows]
    knowledge.beside = {arm: beside for arm, beside in knowledge.beside.items() if arm in kept}
    for one in (*knowledge.lessons.values(), *knowledge.aside.values()):
        one.sums, one.record = one.sums.selected(rows), one.record.selected(rows)
    if knowledge.parent is not None:
        knowledge.parent = knowledge.parent.selected(rows)


def pooled(knowledge: Knowledge, settings: LearnerSettings) -> Sums:
    """Add up what all sources have taught, each capped."""
    return sources.pooled(knowledge.lessons, len(knowledge.arms), knowledge.width, settings.source_cap)


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


def predict_alone(
    knowledge: Knowledge, lessons: Lessons, arm: str, context: Floats, settings: LearnerSettings
) -> float:
    """Return the payoff of an arm that one would expect who had heard nothing else: others' errors are not in it."""
    own = lessons.sums.capped(settings.source_cap)
    found = payoffs(own, context, shared_sd=settings.shared_sd, own_sd=settings.own_sd, noise_sd=settings.noise_sd)
    at = knowledge.arms.index(arm)
    return knowledge.expected[at] + float(found.mean[at]) * settings.unit


def lessons_of(knowledge: Knowledge, key: str, settings: LearnerSettings) -> Lessons:
    """Return the lessons that a payoff by the word of these sources belongs to; they begin with the first.

    Args:
        knowledge: Changed.
        key: Of the sources.
        settings: Of the learner.
    """
    at = sources.place(knowledge.lessons, key, settings.n_sources)
    if at not in knowledge.lessons:
        knowledge.lessons[at] = Lessons.empty(len(knowledge.arms), knowledge.width)
    return knowledge.lessons[at]


def observe(
    knowledge: Knowledge, key: str, arm: str, context: Floats, payoff: float, settings: LearnerSettings
) -> Lessons:
    """Learn a payoff.

    Args:
        knowledge: Changed.
        key: Of the sources behind the payoff.
        arm: Whose it is.
        context: (d,) of the decision.
        payoff: In payoff units.
        settings: Of the learner.

    Returns:
        The lessons it went to.
    """
    lessons, at = lessons_of(knowledge, key, settings), knowledge.arms.index(arm)
    knowledge.n_untold += 1
    lessons.sums.observe(at, context, (payoff - knowledge.expected[at]) / settings.unit)
    return lessons


def withdraw(knowledge: Knowledge, source: str, settings: LearnerSettings) -> None:
    """Set aside all that a source had a part in; it may have judged the parent's prior, so that is on trial anew."""
    if sources.withdraw(knowledge.lessons, knowledge.aside, source, settings.n_sources, Lessons.merged):
        knowledge.beside = {arm: Beside() for arm in knowledge.beside}
    _try_anew(knowledge)


def restore(knowledge: Knowledge, distrusted: list[str]) -> None:
    """Take back in what rests on nobody who is distrusted any more."""
    sources.restore(knowledge.lessons, knowledge.aside, distrusted, Lessons.merged)
    _try_anew(knowledge)


def unseat(knowledge: Knowledge, principal: str, settings: LearnerSettings) -> None:
    """Let what somebody signed count as unsigned."""
    for known in (knowledge.lessons, knowledge.aside):
        sources.unseat(known, principal, settings.n_sources, Lessons.merged)


def _try_anew(knowledge: Knowledge) -> None:
    knowledge.is_parent_dropped, knowledge.harm, knowledge.n_compared, knowledge.n_untold = False, 0.0, 0, 0
