"""What other decisions would have been worth, from decisions that were drawn with known propensities.

Sources: Horvitz and Thompson 1952 (inverse propensities), Dudík, Langford and Li 2011 (doubly robust), Kish 1965
(effective sample size). Importance weights are cut at 20, as in the measurements that chose these estimators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SKIP: Final = "skip"
_MOST_WEIGHT: Final = 20.0
_N_DRAWS: Final = 2000
_LEVEL: Final = 0.95
LEAST_EFFECTIVE: Final = 20.0
"""Effective decisions below which nothing is said."""

MOST_UNSUPPORTED: Final = 0.05
"""Share of the other policy's choices that were never possible, above which nothing is said."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One decision of the record, and what the other policy does in its place.

    Args:
        executed: Arm that was carried out; `skip` where nothing was.
        payoff: Of it, per labelled row, against the champion; 0 of `skip`; NaN where it was not measured.
        logged: Propensity of every arm to be carried out, in the record.
        other: The same under the other policy.
        predicted: Predicted payoff of every arm; of `skip` 0.
    """

    executed: str
    payoff: float
    logged: Mapping[str, float]
    other: Mapping[str, float]
    predicted: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """Value of the other policy less that of the record, per decision; positive: the record is regretted.

    Args:
        ips: By inverse propensities.
        dr: Doubly robust.
        low: Lower end of the 95 % interval of `dr`, by bootstrap over decisions.
        high: Upper end.
        n: Decisions with a measured payoff.
        effective: Decisions that they are worth: those in which nothing would be done, whose payoff is 0 by definition,
            and Kish's number of the others.
        unsupported: Share of the other policy's choices that the record could not have drawn.
        unknown: Why nothing can be told; empty where something can.
    """

    ips: float
    dr: float
    low: float
    high: float
    n: int
    effective: float
    unsupported: float
    unknown: str = ""


def evaluate(decisions: Sequence[Logged]) -> OffPolicy:
    """Estimate what the other policy would have gained over the record, per decision."""
    measured = [one for one in decisions if np.isfinite(one.payoff)]
    unsupported = float(np.mean([_unsupported(one) for one in decisions])) if decisions else 0.0
    if not measured:
        return OffPolicy(0.0, 0.0, 0.0, 0.0, 0, 0.0, unsupported, "no payoff of a decision was measured")
    payoff = np.array([one.payoff for one in measured])
    weight = np.array([_weight(one) for one in measured])
    model = np.array([sum(p * one.predicted.get(arm, 0.0) for arm, p in one.other.items()) for one in measured])
    residual = payoff - np.array([one.predicted.get(one.executed, 0.0) for one in measured])
    ips, dr = weight * payoff - payoff, model + weight * residual - payoff
    effective = _effective(measured, weight)
    low, high = _interval(dr)
    return OffPolicy(
        float(ips.mean()),
        float(dr.mean()),
        low,
        high,
        len(measured),
        effective,
        unsupported,
        _unknown(effective, unsupported),
    )


def _effective(decisions: Sequence[Logged], weight: NDArray[np.float64]) -> float:
    """Kish's number of the decisions in which something is done; what is not done pays 0, and that is known."""
    is_known = np.array([one.other.get(SKIP, 0.0) >= 1.0 for one in decisions])
    rest = weight[~is_known]
    squares = float((rest * rest).sum())
    return float(is_known.sum()) + (float(rest.sum()) ** 2 / squares if squares else 0.0)


def _weight(one: Logged) -> float:
    logged = one.logged.get(one.executed, 0.0)
    return min(_MOST_WEIGHT, one.other.get(one.executed, 0.0) / logged) if logged else 0.0


def _unsupported(one: Logged) -> float:
    return sum(p for arm, p in one.other.items() if arm != SKIP and not one.logged.get(arm, 0.0))


def _unknown(effective: float, unsupported: float) -> str:
    if unsupported > MOST_UNSUPPORTED:
        return f"{unsupported:.0%} of what would be done was never possible in the record: no payoff of it is known"
    if effective < LEAST_EFFECTIVE:
        return f"the record is worth {effective:.1f} decisions of this kind, {LEAST_EFFECTIVE:g} are needed"
    return ""


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    if len(values) < 2:
        return float(values[0]), float(values[0])
    drawn = np.random.default_rng(0).integers(0, len(values), (_N_DRAWS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return float(low), float(high)
