"""What the reports of the rollout hand change: which analysis there is, and how its rollout ended."""

from homeostat.core import Emit, Event
from homeostat.events import ActionApplied, ActionReverted, Rollout
from homeostat.services.outcome_evaluator.canary_analysis import CanaryAnalysis
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.settlement import conclude_holdback, settle
from homeostat.services.outcome_evaluator.state import State

Emits = tuple[Emit, ...]


def apply(state: State, event: Event, data: ActionApplied, settings: EvaluatorSettings) -> Emits:
    """Take note of what a hand has set: a rollout, or the band of a threshold.

    Args:
        state: Of the model.
        event: The report.
        data: Its payload.
        settings: Of the evaluator.
    """
    rollout = data.rollout
    if rollout is None:
        return () if data.band is None else (state.toil.update(event, settings.threshold_minutes),)
    if not rollout.candidates:
        return _clear(state, event, data, settings)
    analysis = state.analysis
    if analysis is None or analysis.action != data.action:
        if all(candidate.version == rollout.champion for candidate in rollout.candidates):
            return ()  # only the old champion is left beside it: what is held back is not analysed anew
        emits = settle(state, event, settings)  # a model serves the candidates of one action at a time
        analysis = state.analysis = CanaryAnalysis.initial(data, rollout, event)
    else:
        emits = ()
    _set(state, analysis, data, rollout, event)
    return emits


def _set(state: State, analysis: CanaryAnalysis, data: ActionApplied, rollout: Rollout, event: Event) -> None:
    if data.rollout_verb == "promote":
        analysis.serving_change = analysis.serving_change or state.production.update_serving(rollout.champion)
        analysis.ended = "promoted"
    elif data.rollout_verb == "abort":
        analysis.ended = "aborted"
    else:
        analysis.test.start_step(rollout.step, event.time)


def _clear(state: State, event: Event, data: ActionApplied, settings: EvaluatorSettings) -> Emits:
    """Nothing is beside the champion any more: the governor has ended the action before its horizon."""
    is_held_back = state.holdback is not None and state.holdback.analysis.action == data.action
    emits = settle(state, event, settings)
    return emits + (conclude_holdback(state, event.subject, settings) if is_held_back else ())


def revert(state: State, event: Event, data: ActionReverted, settings: EvaluatorSettings) -> Emits:
    """End what was on its way; and a promotion that is still measured, unless it is what one went back to.

    Args:
        state: Of the model.
        event: The report.
        data: Its payload.
        settings: Of the evaluator.
    """
    champion, analysis = data.rollout.champion, state.analysis
    is_kept = state.holdback is not None and state.holdback.analysis.canary == champion
    emits = () if is_kept else conclude_holdback(state, event.subject, settings, "aborted")
    state.production.update_serving(champion)
    # A canary that is still out goes back by this revert: its action counts it.
    is_counted = analysis is not None and analysis.canary is not None and analysis.ended != "aborted"
    emits += settle(state, event, settings, ended="aborted")
    return emits if is_counted else (*emits, state.toil.update(event, settings.rollback_minutes))
