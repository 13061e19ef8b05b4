"""What an arm costs: in money by the price list, and in points of the metric where a point has a price."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from homeostat.events import Arm, CandidateEvaluated, FamilyRegistered, RulesSet
from homeostat.events.costs import instance_of, price_of
from homeostat.services.meta_learner.posterior import Prediction
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.source_statistics import ArmRecord
from homeostat.stats.portable import FloatArray


@dataclass(frozen=True, slots=True)
class Quote:
    """What training an arm takes.

    Args:
        seconds: Mean of its training times; 0 before the first.
        most_seconds: Upper bound of the next one; 0 before the first.
        money: Expected, by the price of its machine.
        money_low: Lower end of the 90 % interval; that of a first guess is only the guess.
        money_high: Upper end.
        points: Price in payoff units: as the family declares, and its money where a point has a price.
    """

    seconds: float
    most_seconds: float
    money: float
    money_low: float
    money_high: float
    points: float


def quotes(
    arms: Iterable[Arm],
    prediction: Prediction,
    family: FamilyRegistered,
    rules: RulesSet,
    hourly_value: float,
    settings: LearnerSettings,
) -> dict[str, Quote]:
    """Price arms by their measured training times, or by a first guess.

    Args:
        arms: Known to the prediction.
        prediction: With the record of training times.
        family: With its price of a retrain.
        rules: With the price list.
        hourly_value: Of a point of the model's accuracy.
        settings: Of the learner.
    """
    record, most_seconds = prediction.record, _most_seconds(prediction.record, settings.interval_z).tolist()
    scale = _money_per_payoff(rules, hourly_value)
    found = {}
    for arm in arms:
        at = prediction.arms.index(arm.name)
        measured = float(record.seconds[at])
        seconds, most = (measured, most_seconds[at]) if record.n[at] else (settings.first_seconds,) * 2
        instance, is_spot = instance_of(arm)
        price = price_of(rules.prices, rules.price_per_training_second, instance, is_spot=is_spot)
        money = seconds * price
        found[arm.name] = Quote(
            seconds=measured,
            most_seconds=most_seconds[at],
            money=money,
            money_low=max(0.0, 2.0 * seconds - most) * price,
            money_high=most * price,
            points=family.price_per_retrain + (rules.reward_weights.cost * money / scale if scale else 0.0),
        )
    return found


def latency_in_points(data: CandidateEvaluated, rules: RulesSet, hourly_value: float) -> float:
    """Return the worth of an arm's latency in payoff units; 0 where nothing has a price.

    Args:
        data: With the reward.
        rules: With its weights.
        hourly_value: Of a point of the model's accuracy.
    """
    scale = _money_per_payoff(rules, hourly_value)
    return data.reward.latency / scale if scale and data.reward is not None else 0.0


def _most_seconds(record: ArmRecord, z: float) -> FloatArray:
    """Return (k,) upper bounds of the next training times, z standard deviations up; 0 before the first.

    What one expects before the second is a spread of half the mean; the mean itself is not sure either.
    """
    n = np.maximum(record.n, 1.0)
    variance = (record.spread + 0.25 * record.seconds * record.seconds) / n
    return np.where(record.n > 0.0, record.seconds + z * np.sqrt(variance * (1.0 + 1.0 / n)), 0.0)


def _money_per_payoff(rules: RulesSet, hourly_value: float) -> float:
    """Money that a payoff of 1 (a hundred points) is worth over the reward's hours; 0 where a point has no price."""
    weights = rules.reward_weights
    return 100.0 * weights.quality * hourly_value * weights.hours
