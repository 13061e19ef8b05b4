"""Thompson sampling over the arms behind the conservative gate: propensities are counted, the arm is drawn from them.

Source: Agrawal and Goyal 2013 (linear Thompson sampling); the floor keeps every arm's propensity above 0 that passed
the filters, as off-policy evaluation needs it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.services.meta_learner.gate import Ledger
from homeostat.services.meta_learner.knowledge import Prediction
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.portable import fixed_sum

SKIP = "skip"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """An arm and its alternatives.

    Args:
        chosen: Name of the arm.
        propensities: By name; they sum to 1; 0 for an arm that the gate keeps back.
        gains: By name: mean, low and high of the payoff that will be measured, without its price: 90 %.
        risks: By name: probability that the payoff is negative.
        worth: By name: what knowing the arm's payoff would be worth for one later decision.
        low: Lower bound of the value of what was chosen.
        baseline: Expected value of the rule's arm.
    """

    chosen: str
    propensities: dict[str, float]
    gains: dict[str, tuple[float, float, float]]
    risks: dict[str, float]
    worth: dict[str, float]
    low: float
    baseline: float

    @property
    def kept_back(self) -> list[str]:
        """Arms that the gate does not allow yet."""
        return [name for name, propensity in self.propensities.items() if propensity == 0.0]

    def ranked(self) -> list[str]:
        """Names from the likeliest on; ties by gain, then by name."""
        return sorted(self.propensities, key=lambda name: (-self.propensities[name], -self.gains[name][0], name))


@dataclass(frozen=True, slots=True)
class Question:
    """What a choice is between.

    Args:
        arms: Names after all filters, with `skip`, sorted.
        baseline: Arm that the rule would take.
        prices: By arm, in payoff units; `skip` is free.
        level: Accuracy if nothing is done.
        key: Identity of the decision; the draws are keyed by it.
    """

    arms: list[str]
    baseline: str
    prices: dict[str, float]
    level: float
    key: str


def choose(question: Question, prediction: Prediction, ledger: Ledger, settings: LearnerSettings) -> Choice:
    """Draw an arm.

    Args:
        question: What between.
        prediction: Of every arm but `skip`.
        ledger: Of the gate; not changed.
        settings: Of the learner.
    """
    arms, n = question.arms, settings.n_draws
    drawn = prediction.payoffs.samples(Draws(f"{question.key}|payoffs"), n) * settings.unit
    centre = prediction.payoffs.mean * settings.unit
    noise = settings.noise_sd * settings.unit
    values, gains, means, risks, lows = [], {}, {}, {}, {}
    for name in arms:
        if name == SKIP:
            values.append(np.zeros(n))
            gains[name], means[name], risks[name], lows[name] = (0.0, 0.0, 0.0), 0.0, 0.0, question.level
            continue
        place = prediction.arms.index(name)
        mean, sd = prediction.of(name)
        half = settings.interval_z * float(np.sqrt(sd * sd + noise * noise))
        gains[name] = (mean, mean - half, mean + half)
        means[name] = mean - question.prices[name]
        lows[name] = question.level + means[name] - settings.interval_z * sd
        risks[name] = float(np.count_nonzero(mean + drawn[:, place] - centre[place] < 0.0)) / n
        values.append(means[name] + drawn[:, place] - centre[place])
    stacked = np.stack(values)
    middle = np.array([means[name] for name in arms])[:, None]
    winners = np.argmax(middle + settings.exploration * (stacked - middle), axis=0)
    baseline = question.level + means.get(question.baseline, 0.0)
    allowed = [name == question.baseline or ledger.allows(lows[name], baseline, settings.kept_share) for name in arms]
    if question.baseline not in arms:
        allowed = [is_allowed or name == SKIP for name, is_allowed in zip(arms, allowed, strict=True)]
    counts = np.bincount(winners, minlength=len(arms)).tolist()
    propensities = _propensities(arms, counts, allowed, settings.floor)
    chosen = _draw(propensities, question.key)
    return Choice(chosen, propensities, gains, risks, _worth(arms, stacked, means), lows[chosen], baseline)


def _propensities(arms: list[str], counts: list[int], allowed: list[bool], floor: float) -> dict[str, float]:
    """Share the draws among the allowed arms; those of the others go to all of these."""
    total = sum(count for count, is_allowed in zip(counts, allowed, strict=True) if is_allowed)
    n = sum(allowed)
    floor = min(floor, 0.5 / n)  # chance is for half of the draws at most, however many arms there are
    rest = 1.0 - floor * n
    return {
        name: (floor + rest * (count / total if total else 1.0 / n)) if is_allowed else 0.0
        for name, count, is_allowed in zip(arms, counts, allowed, strict=True)
    }


def _worth(arms: list[str], values: Floats, means: dict[str, float]) -> dict[str, float]:
    """Return how much better one does on average if an arm's value is known before choosing, against the best guess."""
    worth = {}
    for row, name in enumerate(arms):
        other = max((mean for rival, mean in means.items() if rival != name), default=0.0)
        known = fixed_sum(np.maximum(values[row], other)) / values.shape[1]
        worth[name] = max(0.0, known - max(other, means[name]))
    return worth


def _draw(propensities: dict[str, float], key: str) -> str:
    ticket, total = float(Draws(f"{key}|arm").uniform(1)[0]), 0.0
    for name, propensity in propensities.items():
        total += propensity
        if ticket < total:
            return name
    return max(propensities, key=lambda name: propensities[name])
