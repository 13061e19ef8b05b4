"""Thompson sampling over the arms behind the conservative gate: propensities are counted, the arm is drawn from them.

Source: Agrawal and Goyal 2013 (linear Thompson sampling); the floor keeps every arm's propensity above 0 that passed
the filters, as off-policy evaluation needs it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.services.meta_learner.gate import Gate
from homeostat.services.meta_learner.posterior import Prediction
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
        kept_back: Arms that the gate does not allow yet.
    """

    chosen: str
    propensities: dict[str, float]
    gains: dict[str, tuple[float, float, float]]
    risks: dict[str, float]
    worth: dict[str, float]
    low: float
    baseline: float
    kept_back: list[str]


@dataclass(frozen=True, slots=True)
class DecisionProblem:
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


def choose(problem: DecisionProblem, prediction: Prediction, gate: Gate, settings: LearnerSettings) -> Choice:
    """Draw an arm.

    Args:
        problem: What between.
        prediction: Of every arm but `skip`.
        gate: Not changed.
        settings: Of the learner.
    """
    arms, n = problem.arms, settings.n_draws
    drawn = prediction.payoffs.samples(Draws(f"{problem.key}|payoffs"), n) * settings.unit
    centre = prediction.payoffs.mean * settings.unit
    noise = settings.noise_sd * settings.unit
    values, gains, means, risks, lows = [], {}, {}, {}, {}
    for name in arms:
        if name == SKIP:
            values.append(np.zeros(n))
            gains[name], means[name], risks[name], lows[name] = (0.0, 0.0, 0.0), 0.0, 0.0, problem.level
            continue
        at = prediction.arms.index(name)
        mean, sd = float(prediction.mean[at]), float(prediction.sd[at])
        half = settings.interval_z * float(np.sqrt(sd * sd + noise * noise))
        gains[name] = (mean, mean - half, mean + half)
        means[name] = mean - problem.prices[name]
        lows[name] = problem.level + means[name] - settings.interval_z * sd
        risks[name] = float(np.count_nonzero(mean + drawn[:, at] - centre[at] < 0.0)) / n
        values.append(means[name] + drawn[:, at] - centre[at])
    stacked = np.stack(values)
    middle = np.array([means[name] for name in arms])[:, None]
    winners = np.argmax(middle + settings.exploration * (stacked - middle), axis=0)
    baseline = problem.level + means.get(problem.baseline, 0.0)
    allowed = [name == problem.baseline or gate.allows(lows[name], baseline, settings.kept_share) for name in arms]
    if problem.baseline not in arms:
        allowed = [is_allowed or name == SKIP for name, is_allowed in zip(arms, allowed, strict=True)]
    counts = np.bincount(winners, minlength=len(arms)).tolist()
    propensities = _propensities(arms, counts, allowed, settings.floor)
    chosen = _draw(propensities, problem.key)
    kept_back = [name for name, propensity in propensities.items() if propensity == 0.0]
    return Choice(chosen, propensities, gains, risks, _worth(arms, stacked, means), lows[chosen], baseline, kept_back)


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
