"""From a trial's tallies to payoffs, an outcome and a settlement."""

from typing import Literal

from homeostat.core import Emit, Event
from homeostat.events import ActionFailed, ActionSettled, CandidateEvaluated, OutcomeMeasured
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from outcome_evaluator.settings import EvaluatorSettings
from outcome_evaluator.state import Trial

Verdict = Literal["gain", "cost", "regression", "inconclusive"]


def verdict_of(low: float, high: float, cost: float, *, changed: bool) -> Verdict:
    """Name an outcome by its interval: gain pays for its cost, cost does not, regression harms.

    Args:
        low: Lower end of the gain's interval.
        high: Upper end.
        cost: In the same units.
        changed: Whether anything serves that did not before.
    """
    if not changed:
        return "cost" if cost > 0 else "inconclusive"
    if low > cost:
        return "gain"
    if high < 0:
        return "regression"
    return "cost" if high < cost else "inconclusive"


def settle(trial: Trial, model: str, settings: EvaluatorSettings) -> tuple[Emit, ...]:
    """Say what every arm was worth, what the action did, and that it is over."""
    scope = model.partition("/")[0]
    emits = [
        Emit(
            EXPERIENCE,
            CandidateEvaluated(
                action=trial.action,
                model=model,
                arm=tally.arm,
                version=version,
                payoff=tally.mean,
                standard_error=tally.standard_error,
                n_labels=tally.n,
                was_canary=version == trial.canary,
                seconds=tally.seconds,
            ),
            trial.family,
            trial.story,
        )
        for version, tally in sorted(trial.tallies.items())
        if tally.n
    ]
    ended = trial.ended or "expired"
    serving = trial.tallies.get(trial.canary or "") if ended == "promoted" else None
    gain, error = (serving.mean, serving.standard_error) if serving else (0.0, 0.0)
    cost = 0.0 if trial.chosen == "skip" else trial.plan.price
    low, high = gain - settings.z * error, gain + settings.z * error
    outcome = OutcomeMeasured(
        action=trial.action,
        kind="retrain",
        model=model,
        arm=trial.chosen,
        state=ended,
        verdict=verdict_of(low, high, cost, changed=serving is not None),
        gain=gain,
        gain_low=low,
        gain_high=high,
        cost=cost,
        n_labels=trial.n_labels,
        exposed=trial.exposed if ended == "aborted" else 0,
    )
    settled = ActionSettled(action=trial.action, kind="retrain", model=model, state=ended, gain=gain)
    return (
        *emits,
        Emit(EXPERIENCE, outcome, trial.family, trial.story),
        Emit(GOVERNANCE, settled, scope, trial.story),
    )


def failed(data: ActionFailed, event: Event) -> tuple[Emit, ...]:
    """A retrain without any candidate is over too."""
    model = data.model or event.subject
    outcome = OutcomeMeasured(
        action=data.action,
        kind="retrain",
        model=model,
        arm="none",
        state="failed",
        verdict="inconclusive",
        gain=0.0,
        gain_low=0.0,
        gain_high=0.0,
        cost=0.0,
        n_labels=0,
    )
    settled = ActionSettled(action=data.action, kind="retrain", model=model, state="failed")
    return (
        Emit(EXPERIENCE, outcome, data.family, event.story),
        Emit(GOVERNANCE, settled, model.partition("/")[0], event.story),
    )
