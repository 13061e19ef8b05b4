"""The end of an action: payoffs, outcome, settlement, money and hours; and the bill that comes later."""

from homeostat.core import Emit, Event, Identity
from homeostat.events import ActionFailed, BillReceived, CandidateTrained, IndicatorComputed
from homeostat.events.logs import EXPERIENCE, INDICATORS
from homeostat.services.outcome_evaluator.accounts import Account
from homeostat.services.outcome_evaluator.following import conclude, follow
from homeostat.services.outcome_evaluator.outcome import (
    failed_outcome,
    outcome_of,
    payoffs,
    rebilled,
    revised,
    settlement,
)
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import State, Trial
from homeostat.services.outcome_evaluator.toil import of_action

Emits = tuple[Emit, ...]


def settle(state: State, event: Event, trial: Trial, settings: EvaluatorSettings, *, is_measured: bool) -> Emits:
    """End a trial and forget it. A promotion that was measured is followed.

    Args:
        state: Has the trial.
        event: What ended it.
        trial: To end.
        settings: Of the evaluator.
        is_measured: It has reached its horizon.
    """
    said = conclude(state, event.subject, settings)  # one promotion is followed at a time
    del state.trials[trial.action]
    is_followed = is_measured and trial.ended == "promoted" and trial.plan.holdback_labels > 0
    account = state.ledger.account(trial.action, trial.story, trial.family, event.time, state.in_use)
    outcome = outcome_of(trial, account, event.subject, state, settings, is_final=not is_followed)
    account.outcome, account.weights = outcome, trial.weights
    if is_followed:
        follow(state, trial)
    state.rest()
    minutes, n = of_action(settings, is_rolled_out=trial.canary is not None, is_aborted=trial.ended == "aborted")
    return (
        *said,
        *payoffs(trial, account, event.subject, state.hourly_value),
        Emit(EXPERIENCE, outcome, trial.family, trial.story),
        settlement(outcome, trial.story),
        indicator(event, "cost_per_action", account.money, story=trial.story),
        *([saved(state, event, minutes, n)] if n else []),
    )


def failed(state: State, event: Event, data: ActionFailed) -> Emits:
    """End a retrain that has no candidate. A command read again after a crash may fail though it was carried out."""
    known = state.ledger.accounts.get(data.action)
    is_done = known is not None and (known.n_candidates > 0 or known.outcome is not None)
    if data.kind != "retrain" or data.action in state.trials or is_done:
        return ()
    account = state.ledger.account(data.action, event.story, data.family, event.time, state.in_use)
    account.outcome = failed_outcome(data, account, data.model or event.subject)
    return (
        Emit(EXPERIENCE, account.outcome, data.family, event.story),
        settlement(account.outcome, event.story),
        indicator(event, "cost_per_action", account.money),
    )


def trained(state: State, event: Event, data: CandidateTrained) -> Emits:
    """Add an arm to what its action costs; one that reports after the settlement corrects what was said."""
    emits: list[Emit] = []
    for action in state.ledger.trained(data, event, state.in_use):
        account = state.ledger.accounts[action]
        if said := _said_again(account):
            emits += (indicator(event, "cost_per_action", account.money, story=account.story), *said)
    return (indicator(event, "cost_per_model_day", state.ledger.spent), *emits)


def billed(state: State, event: Event, data: BillReceived, settings: EvaluatorSettings) -> Emits:
    """Correct what actions have cost, and what was said of them.

    Raises:
        Reject: `bill_unmatched`, `currency_differs`, `too_many_bills`.
    """
    emits: list[Emit] = []
    for action in state.ledger.billed(data, event.time):
        account = state.ledger.accounts[action]
        emits.append(indicator(event, "cost_per_action", account.money, story=account.story))
        if account.estimate > 0.0:
            emits.append(indicator(event, "bill_ratio", account.money / account.estimate, story=account.story))
        if account.money > settings.anomaly_ratio * account.estimate:
            emits.append(indicator(event, "cost_anomaly", account.money - account.estimate, story=account.story))
        emits += _said_again(account)
    return (*emits, indicator(event, "cost_per_model_day", state.ledger.spent))


def _said_again(account: Account) -> Emits:
    """Say an outcome with the money of today, if it was said with other money."""
    outcome = rebilled(account)
    if outcome is None:
        return ()
    account.outcome = outcome
    return (revised(outcome, account.family, account.story), settlement(outcome, account.story))


def saved(state: State, event: Event, minutes: float, n: int) -> Emit:
    """Count what nobody had to do, and say how much it is this month."""
    state.toil.save(minutes, n, event.time)
    return indicator(event, "toil_hours_saved", state.toil.hours, state.toil.n)


def indicator(event: Event, name: str, value: float, n: int = 1, story: Identity | None = None) -> Emit:
    """A number of the event's model, in a story."""
    return Emit(INDICATORS, IndicatorComputed(model=event.subject, name=name, value=value, n=n), event.subject, story)
