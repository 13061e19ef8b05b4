"""What an arm costs: in money by the price list, and in points of the metric where a point has a price."""

from homeostat.events import Arm, CandidateEvaluated, FamilyRegistered
from homeostat.events.costs import instance_of, price_of
from homeostat.services.meta_learner.choice import SKIP
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import Model, State


def money_of(state: State, arm: Arm, settings: LearnerSettings) -> float:
    """Expected money for training an arm: its mean seconds, or a first guess, times the price of its machine."""
    return money_interval(state, arm, settings)[0]


def money_interval(state: State, arm: Arm, settings: LearnerSettings) -> tuple[float, float, float]:
    """Expected money for training an arm, and the 90 % interval of it; that of a first guess is only the guess."""
    score = state.knowledge.score(arm.name)
    seconds = score.seconds if score is not None and score.n else settings.first_seconds
    most = score.most_seconds(settings.interval_z) if score is not None and score.n else seconds
    instance, is_spot = instance_of(arm)
    price = price_of(state.rules.prices, state.rules.price_per_training_second, instance, is_spot=is_spot)
    return seconds * price, max(0.0, 2.0 * seconds - most) * price, most * price


def prices_in_points(
    state: State, model: Model, family: FamilyRegistered, arms: list[str], settings: LearnerSettings
) -> dict[str, float]:
    """Price of each arm but `skip` in payoff units: as the family declares, and its money where a point has a price."""
    scale = _money_per_payoff(state, model)
    by_name = {arm.name: arm for arm in family.arms}
    return {
        name: family.price_per_retrain
        + (state.rules.reward_weights.cost * money_of(state, by_name[name], settings) / scale if scale else 0.0)
        for name in arms
        if name in by_name and name != SKIP
    }


def latency_in_points(state: State, data: CandidateEvaluated) -> float:
    """Worth of an arm's latency in payoff units; 0 where nothing has a price."""
    model = state.models.get(data.model)
    scale = _money_per_payoff(state, model) if model is not None else 0.0
    return data.reward.latency / scale if scale and data.reward is not None else 0.0


def _money_per_payoff(state: State, model: Model) -> float:
    """Money that a payoff of 1 (a hundred points) is worth over the reward's hours; 0 where a point has no price."""
    weights = state.rules.reward_weights
    return 100.0 * weights.quality * model.hourly_value * weights.hours
