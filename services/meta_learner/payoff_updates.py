"""From a payoff to what is known of its arm, and to indicators of how good that is."""

import numpy as np

from homeostat.core import Emit
from homeostat.events import CandidateEvaluated, IndicatorComputed
from homeostat.events.logs import INDICATORS
from homeostat.events.sources import rests_on
from homeostat.services.meta_learner.gate import Payoff
from homeostat.services.meta_learner.pricing import latency_in_points
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State


def update(state: State, data: CandidateEvaluated, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Score the prediction of an arm's payoff and learn from it, unless the decision is held out.

    What a distrusted source has a part in is neither scored nor learned, and the gate does not count it.

    Args:
        state: Changed.
        data: The payoff.
        settings: Of the learner.

    Returns:
        Indicators of the arm's predictions; nothing for an action or an arm that nobody knows.
    """
    decision, posterior = state.decisions.pending.get(data.action), state.posterior
    if decision is None or rests_on(data.sources, state.distrusted):
        return ()
    if data.arm not in posterior.baselines:
        posterior.n_left_out += 1
        return ()
    model = state.models.get(data.model)
    observed = data.payoff + latency_in_points(data, state.rules, model.hourly_value if model is not None else 0.0)
    observed = min(max(observed, -settings.payoff_limit), settings.payoff_limit)
    decision.update(data.arm, Payoff(observed, list(data.sources)))
    score = posterior.update(
        data.arm,
        np.array(decision.context),
        observed,
        data.seconds,
        state.seats.key_of(data.sources, data.signers),
        settings,
        learns=not decision.is_held_out,
    )
    indicators = {
        "payoff_error": (score.error, score.n),
        "payoff_error_river": (score.error_baseline, score.n),
        "interval_coverage_ratio": (score.coverage, score.n),
    }
    if score.n_drifts is not None:
        indicators["meta_model_drifts"] = float(score.n_drifts), score.n
    if score.parent_harm is not None:
        indicators["parent_prior_harm"] = score.parent_harm
    return tuple(
        Emit(INDICATORS, IndicatorComputed(model=data.model, name=name, value=value, n=n), data.model)
        for name, (value, n) in indicators.items()
    )
