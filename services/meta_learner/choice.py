"""Thompson sampling over the arms: propensities are counted, the arm is drawn from them.

Source: Agrawal and Goyal 2013 (linear Thompson sampling); the floor keeps every arm's propensity above 0,
as off-policy evaluation needs it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.draws import Draws
from homeostat.stats.portable import fixed_row_sums
from meta_learner.settings import LearnerSettings
from meta_learner.state import Belief

SKIP = "skip"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """An arm and its alternatives.

    Args:
        chosen: Name of the arm.
        propensities: By name; they sum to 1.
        gains: By name: mean, low and high of the payoff, without its price.
    """

    chosen: str
    propensities: dict[str, float]
    gains: dict[str, tuple[float, float, float]]

    def ranked(self) -> list[str]:
        """Names from the likeliest on; ties by name."""
        return sorted(self.propensities, key=lambda name: (-self.propensities[name], -self.gains[name][0], name))


def choose(
    beliefs: dict[str, Belief], arms: list[str], context: Floats, price: float, key: str, settings: LearnerSettings
) -> Choice:
    """Draw an arm.

    Args:
        beliefs: Of every arm but `skip`.
        arms: Names after all filters, with `skip`, sorted.
        context: Meta-features with the intercept.
        price: Of any arm but `skip`, in payoff units.
        key: Identity of the decision; the draws are keyed by it.
        settings: Of the learner.
    """
    values: list[Floats] = []
    gains: dict[str, tuple[float, float, float]] = {}
    for name in arms:
        if name == SKIP:
            values.append(np.zeros(settings.n_draws))
            gains[name] = (0.0, 0.0, 0.0)
            continue
        regression = beliefs[name].regression
        mean, variance = regression.predict(context)
        spread = settings.interval_z * float(np.sqrt(variance)) * settings.unit
        gains[name] = (mean * settings.unit, mean * settings.unit - spread, mean * settings.unit + spread)
        weights = regression.samples(Draws(f"{key}|{name}"), settings.n_draws)
        drawn = fixed_row_sums(weights * context)
        values.append((mean + settings.exploration * (drawn - mean)) * settings.unit - price)
    winners = np.argmax(np.stack(values), axis=0)
    counts = np.bincount(winners, minlength=len(arms))
    share = 1.0 - settings.floor * len(arms)
    propensities = {
        name: settings.floor + share * int(count) / settings.n_draws for name, count in zip(arms, counts, strict=True)
    }
    return Choice(_draw(propensities, key), propensities, gains)


def _draw(propensities: dict[str, float], key: str) -> str:
    ticket, total = float(Draws(f"{key}|arm").uniform(1)[0]), 0.0
    for name, propensity in propensities.items():
        total += propensity
        if ticket < total:
            return name
    return next(reversed(propensities))
