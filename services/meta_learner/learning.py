"""From payoffs to knowledge: predict, then look, then learn; the order makes the errors honest."""

import numpy as np

from homeostat.core import Emit
from homeostat.events import CandidateEvaluated, IndicatorComputed, OutcomeMeasured
from homeostat.events.logs import INDICATORS
from homeostat.events.sources import rests_on
from homeostat.services.meta_learner import knowledge as known
from homeostat.services.meta_learner import priors
from homeostat.services.meta_learner.choice import SKIP
from homeostat.services.meta_learner.pricing import latency_in_points
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.sources import FAILURES, Lessons, key_of
from homeostat.services.meta_learner.state import Decision, State, Told


def learn(state: State, data: CandidateEvaluated, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Score the prediction of an arm's payoff and learn from it, unless the decision is held out.

    What a distrusted source has a part in is neither scored, nor learned, nor booked.

    Returns:
        Indicators of the arm's predictions; nothing for an action or an arm that nobody knows.
    """
    decision, knowledge = state.decisions.get(data.action), state.knowledge
    if decision is None or rests_on(data.sources, state.distrusted):
        return ()
    if data.arm not in knowledge.beside:
        knowledge.n_left_out += 1
        return ()
    observed = data.payoff + latency_in_points(state, data)
    observed = min(max(observed, -settings.payoff_limit), settings.payoff_limit)
    decision.tell(data.arm, Told(observed, list(data.sources)))
    context = np.array(decision.context)
    mean, sd = known.predict(knowledge, context, settings).of(data.arm)
    named = dict(zip(["bias", *knowledge.features], decision.context, strict=True))
    beside = known.predict_beside(knowledge.beside[data.arm], named) * settings.unit
    noise = settings.noise_sd * settings.unit
    half = settings.interval_z * float(np.sqrt(sd * sd + noise * noise))
    error = abs(mean - observed)
    key = key_of(data.sources, state.seats.of(data.signers))
    lessons, at = known.lessons_of(knowledge, key, settings), knowledge.arms.index(data.arm)
    lessons.record.observe(at, error, abs(beside - observed), data.seconds, is_covered=error <= half)
    score = knowledge.score(data.arm)
    assert score is not None
    indicators = {
        "payoff_error": score.error / score.n,
        "payoff_error_river": score.error_beside / score.n,
        "interval_coverage_ratio": score.covered / score.n,
    }
    emits: tuple[Emit, ...] = ()
    if not decision.is_held_out:
        emits = priors.guard(state, data.model, data.arm, context, error, observed, settings)
        own_error = abs(known.predict_alone(knowledge, lessons, data.arm, context, settings) - observed)
        known.observe(knowledge, key, data.arm, context, observed, settings)
        known.learn_beside(knowledge.beside[data.arm], named, observed / settings.unit)
        if _has_drifted(lessons, own_error, settings):
            indicators["meta_model_drifts"] = float(knowledge.n_drifts)
    return (*(_indicator(data.model, name, value, score.n) for name, value in indicators.items()), *emits)


def close(state: State, data: OutcomeMeasured, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Book what a decision came to: its arm's payoff and the rule's, each known or as last predicted.

    A training that failed came to nothing but its price: that is what its arm pays where it fails.

    Returns:
        Indicators: value kept against the rule's, and the gain over it on held-out decisions.
    """
    decision = state.decisions.pop(data.action, None)
    if decision is None:
        return ()
    if data.state == "failed" and decision.chosen in state.knowledge.beside:
        if decision.believed(decision.chosen, state.distrusted) is None:
            decision.tell(decision.chosen, Told(0.0, []))
        if not decision.is_held_out:
            context = np.array(decision.context)
            known.observe(state.knowledge, FAILURES, decision.chosen, context, 0.0, settings)
    if not decision.is_booked:
        return ()
    own, rule = (_value(state, decision, arm, settings) for arm in (decision.chosen, decision.baseline))
    ledger = state.ledger
    ledger.close(decision.low, decision.expected_baseline)
    told = [decision.believed(arm, state.distrusted) for arm in (decision.chosen, decision.baseline)]
    said_by = key_of(source for one in told if one is not None for source in one.sources)
    ledger.book(said_by, own, rule, settings.n_sources)
    n = state.held_out.n
    if decision.is_held_out and decision.believed(decision.baseline, state.distrusted) is not None:
        state.held_out.n, state.held_out.gain = n + 1, state.held_out.gain + own - rule
    all_own, all_rule = ledger.totals()
    emits = [_indicator(decision.model, "kept_value_ratio", all_own / all_rule, 1)] if all_rule else []
    if state.held_out.n > n:
        gain = state.held_out.gain / state.held_out.n
        emits.append(_indicator(decision.model, "held_out_gain_over_baseline", gain, state.held_out.n))
    return tuple(emits)


def abandon(state: State, action: str, *, is_awaited: bool) -> None:
    """Take a decision that came to nothing out of the books.

    Args:
        state: Changed.
        action: Of the decision; one that nobody knows changes nothing.
        is_awaited: Whether payoffs may still come: they teach, but are not booked any more.
    """
    decision = state.decisions.get(action)
    if decision is None:
        return
    if decision.is_booked:
        state.ledger.close(decision.low, decision.expected_baseline)
        decision.is_booked = False
    if not is_awaited:
        del state.decisions[action]


def withdraw(state: State, source: str, settings: LearnerSettings) -> None:
    """Set aside what a source taught, and what was booked of it."""
    known.withdraw(state.knowledge, source, settings)
    state.ledger.withdraw(source, settings.n_sources)


def restore(state: State) -> None:
    """Take back in what rests on nobody who is distrusted any more; books that were closed without it stay so."""
    known.restore(state.knowledge, state.distrusted)
    state.ledger.restore(state.distrusted)


def _value(state: State, decision: Decision, arm: str, settings: LearnerSettings) -> float:
    if arm == SKIP or arm not in state.knowledge.beside:
        return decision.level
    told = decision.believed(arm, state.distrusted)
    if told is not None:
        payoff = told.payoff
    else:
        payoff, _ = known.predict(state.knowledge, np.array(decision.context), settings).of(arm)
    return decision.level + payoff - decision.prices.get(arm, 0.0)


def _has_drifted(lessons: Lessons, error: float, settings: LearnerSettings) -> bool:
    """Watch the errors of lessons; when they rise, what the same sources taught before counts for less.

    They are those of the lessons alone: what others say can neither hide them nor make them rise.
    """
    detector = lessons.errors
    before = detector.estimation
    detector.update(min(error / settings.payoff_limit, 1.0))  # type: ignore[no-untyped-call]  # river's
    if not detector.drift_detected or detector.estimation <= before:
        return False
    lessons.n_drifts += 1
    lessons.sums.fade(settings.drift_weight)
    return True


def _indicator(model: str, name: str, value: float, n: int) -> Emit:
    return Emit(INDICATORS, IndicatorComputed(model=model, name=name, value=value, n=n), model)
