"""What a change was worth in money: business value, latency, cost, each with its weight."""

from homeostat.events import Reward, RewardWeights

_POINTS = 100.0
"""Points in the whole: an hourly value is per hundredth of the error."""


def reward_of(
    gain: float,
    latency_change: float | None,
    money: float,
    weights: RewardWeights,
    hourly_value: float,
    currency: str,
    business: float | None = None,
) -> Reward | None:
    """Weigh gain, latency and cost; None where neither quality nor latency has a price, for then only cost would count.

    Args:
        gain: Error of what served minus error of what serves, per row.
        latency_change: Seconds added, None if unknown.
        money: Spent.
        weights: In force.
        hourly_value: Of one point for an hour.
        currency: Of everything.
        business: Change of a business indicator, money per hour, instead of the gain's worth.
    """
    if hourly_value == 0.0 and weights.latency == 0.0 and business is None:
        return None
    hourly = gain * _POINTS * hourly_value if business is None else business
    quality = weights.quality * (hourly * weights.hours)
    latency = -weights.latency * ((latency_change or 0.0) * weights.hours)
    cost = -weights.cost * money
    return Reward(
        quality=quality,
        latency=latency,
        cost=cost,
        total=quality + latency + cost,
        hours=weights.hours,
        currency=currency,
    )
