"""What each arm of an action was worth, whether it served or not."""

from homeostat.core import Emit
from homeostat.events import CandidateEvaluated
from homeostat.events.logs import EXPERIENCE
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.cost.ledger import Balance
from homeostat.services.outcome_evaluator.reward import reward_of


def evaluate_arms(analysis: CanaryAnalysis, spent: Balance, model: str, hourly_value: float) -> tuple[Emit, ...]:
    """Emit the payoff of every arm, from all rows of the analysis: no arm's rows depend on what was decided.

    Args:
        analysis: With the payoffs; not modified.
        spent: What each arm cost.
        model: `scope/model`.
        hourly_value: Of a point of accuracy.
    """
    money: dict[str, float] = {}
    for item in spent.items:
        money.setdefault(item.arm, item.money)
    sources, signers = analysis.sources.names, analysis.sources.signers
    weights, currency = analysis.reward_weights, analysis.currency
    emits = []
    for arm in analysis.payoffs.estimates():
        cost = money.get(arm.arm, 0.0)
        evaluated = CandidateEvaluated(
            action=analysis.action,
            model=model,
            arm=arm.arm,
            version=arm.version,
            payoff=arm.mean,
            standard_error=arm.standard_error,
            n_labels=arm.n,
            was_canary=arm.version == analysis.canary,
            seconds=arm.seconds,
            money=cost,
            currency=currency,
            latency_change=arm.latency_change,
            reward=reward_of(arm.mean, arm.latency_change, cost, weights, hourly_value, currency),
            sources=sources,
            signers=signers,
        )
        emits.append(Emit(EXPERIENCE, evaluated, analysis.family, analysis.correlation_id))
    return tuple(emits)
