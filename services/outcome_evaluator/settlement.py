"""The end of an action: payoffs, outcome, settlement, money and hours."""

from homeostat.core import Emit, Event
from homeostat.events import ActionFailed
from homeostat.services.outcome_evaluator.arm_evaluation import evaluate_arms
from homeostat.services.outcome_evaluator.canary_analysis import Ended
from homeostat.services.outcome_evaluator.indicators import indicator
from homeostat.services.outcome_evaluator.outcome import failed_outcome, outcome_of
from homeostat.services.outcome_evaluator.outcome_events import measured, settled
from homeostat.services.outcome_evaluator.post_promotion import HoldbackMeasurement
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import State

Emits = tuple[Emit, ...]


def settle(
    state: State, event: Event, settings: EvaluatorSettings, *, is_measured: bool = False, ended: Ended | None = None
) -> Emits:
    """End the analysis, if there is one. A promotion that was measured goes on being measured by its holdback.

    Args:
        state: Has no analysis afterwards.
        event: What ended it.
        settings: Of the evaluator.
        is_measured: It has reached its horizon.
        ended: Another end than the rollout had: a reverted promotion was none.
    """
    analysis, model, production = state.analysis, event.subject, state.production
    if analysis is None:
        return ()
    if ended is not None and analysis.ended != "skipped":
        analysis.ended = ended
    concluded = conclude_holdback(state, model, settings)  # one promotion is measured at a time
    is_held_back = is_measured and analysis.ended == "promoted" and analysis.plan.holdback_labels > 0
    story, family = analysis.correlation_id, analysis.family
    account = state.costs.account(analysis.action, story, family, event.time)
    spent = account.balance
    outcome = outcome_of(analysis, spent, model, production, settings, is_final=not is_held_back)
    account.outcome, account.weights = outcome, analysis.reward_weights
    arms = evaluate_arms(analysis, spent, model, production.hourly_value)
    emits = (*arms, measured(outcome, family, story), settled(outcome, story))
    toil: Emits = ()
    if analysis.canary is not None:  # a retrain with its rollout, and the way back if there was one
        is_aborted = analysis.ended == "aborted"
        minutes = settings.retrain_minutes + (settings.rollback_minutes if is_aborted else 0.0)
        toil = (state.toil.update(event, minutes, 1 + is_aborted),)
    cost = indicator(event, "cost_per_action", outcome.money, story=story)
    state.analysis, state.holdback = None, HoldbackMeasurement.initial(analysis) if is_held_back else None
    state.reset_if_idle()
    return (*concluded, *emits, cost, *toil)


def conclude_holdback(state: State, model: str, settings: EvaluatorSettings, ended: Ended | None = None) -> Emits:
    """Emit the final outcome of the promotion that is held back, if there is one.

    Args:
        state: Has no holdback afterwards.
        model: `scope/model`.
        settings: Of the evaluator.
        ended: Another end than the promotion: it was reverted.
    """
    holdback, state.holdback = state.holdback, None
    if holdback is None:
        return ()
    state.reset_if_idle()
    settled_analysis = holdback.analysis
    action, story, family = settled_analysis.action, settled_analysis.correlation_id, settled_analysis.family
    account = state.costs.account(action, story, family, 0, kept=[action])
    return holdback.conclude(account, model, state.production, settings, ended)


def settle_failed(state: State, event: Event, data: ActionFailed) -> Emits:
    """End a retrain that has no candidate. A command read again after a crash may fail though it was carried out.

    Args:
        state: Of the model.
        event: The report.
        data: Its payload.
    """
    known = state.costs.accounts.get(data.action)
    is_done = known is not None and (known.n_candidates > 0 or known.outcome is not None)
    is_served = state.analysis is not None and state.analysis.action == data.action
    if data.kind != "retrain" or is_served or is_done:
        return ()
    account = state.costs.account(data.action, event.story, data.family, event.time, state.actions_in_use)
    account.outcome = failed_outcome(data, account.balance, account.currency, data.model or event.subject)
    return (
        measured(account.outcome, data.family, event.story),
        settled(account.outcome, event.story),
        indicator(event, "cost_per_action", account.outcome.money),
    )
