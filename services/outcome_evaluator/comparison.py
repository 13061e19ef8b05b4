"""What labelled rows change: payoffs and evidence of what rolls out, and of the promotion that is still measured."""

from homeostat.core import Emit, Event
from homeostat.events import Labels, Samples
from homeostat.services.outcome_evaluator.judgement import judge
from homeostat.services.outcome_evaluator.labelled_rows import LabelledRows
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.settlement import conclude_holdback, settle
from homeostat.services.outcome_evaluator.state import State

Emits = tuple[Emit, ...]


def compare_labels(state: State, event: Event, labels: Labels, settings: EvaluatorSettings) -> Emits:
    """Compare versions on labels that intake has joined to their answers.

    Args:
        state: Of the model.
        event: The labels.
        labels: Its payload.
        settings: Of the evaluator.
    """
    unit = state.update_scale(labels)
    if state.measured is None:
        return ()
    return _compare(state, event, LabelledRows.of_labels(labels, unit), settings)


def compare_samples(state: State, event: Event, samples: Samples, settings: EvaluatorSettings) -> Emits:
    """Take note of what one version answered, and compare it where labels or latencies come inside samples.

    Args:
        state: Of the model.
        event: The samples.
        samples: Its payload; synthetic rows are not compared.
        settings: Of the evaluator.
    """
    if samples.label:
        state.inline_labels.is_used = True
        state.update_scale(samples)
    measured, unit = state.measured, state.unit
    if measured is None:
        return ()
    state.origins.update(samples, settings.scored_requests)
    if samples.is_synthetic:
        return ()
    slower: dict[str, list[float]] = {}
    if samples.latency_seconds:
        slower = state.latencies.update(samples, measured.reference, settings.inline_requests)
    measured.update_samples(samples, slower)
    if not state.inline_labels.is_used:
        return ()
    joined = state.inline_labels.update(samples, measured.reference, settings.inline_requests)
    if joined is None:
        return ()
    return _compare(state, event, LabelledRows.of_joined(joined, unit), settings)


def check(state: State, event: Event, settings: EvaluatorSettings) -> Emits:
    """Judge a canary that waited for nothing but time.

    Args:
        state: Of the model.
        event: A tick.
        settings: Of the evaluator.
    """
    analysis = state.analysis
    if analysis is None or (due := analysis.next_check_at) is None or due > event.time:
        return ()
    analysis.test.is_soaked = True
    return judge(analysis, event, settings)


def _compare(state: State, event: Event, rows: LabelledRows, settings: EvaluatorSettings) -> Emits:
    joined = 2 * len(state.inline_labels.by_request)  # a version may still answer those
    limit, origins, emits = max(settings.scored_requests, joined), state.origins.by_request, Emits()
    holdback, analysis = state.holdback, state.analysis
    # First what is held back: an action that ends with these rows is not measured on them again.
    if holdback is not None and holdback.update(rows, origins, limit):
        if holdback.n_left <= 0:
            emits = conclude_holdback(state, event.subject, settings)
        elif holdback.analysis.payoffs.after.n >= holdback.next_check_rows:
            action, story, family = holdback.analysis.action, holdback.analysis.correlation_id, holdback.analysis.family
            account = state.costs.account(action, story, family, 0, kept=[action])
            emits = holdback.revise(account, event.subject, state.production, settings)
    if analysis is None or not analysis.update(rows, origins, limit):
        return emits
    if analysis.ended is None:
        return emits + judge(analysis, event, settings)
    is_measured = analysis.n_labels >= analysis.plan.horizon_labels
    return emits + (settle(state, event, settings, is_measured=True) if is_measured else ())
