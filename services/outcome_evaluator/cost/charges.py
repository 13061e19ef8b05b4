"""What a training report and a bill change: what actions cost, and what was emitted of them."""

from collections.abc import Collection

from homeostat.core import Emit, Event
from homeostat.events import BillReceived, CandidateTrained
from homeostat.services.outcome_evaluator.cost.ledger import Account, CostLedger
from homeostat.services.outcome_evaluator.indicators import indicator
from homeostat.services.outcome_evaluator.outcome_events import revised, settled
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings

Emits = tuple[Emit, ...]


def charge_training(costs: CostLedger, event: Event, data: CandidateTrained, kept: Collection[str]) -> Emits:
    """Add an arm to what its action costs; one that reports after the settlement corrects what was emitted.

    Args:
        costs: Updated.
        event: The report.
        data: Its payload.
        kept: Actions whose accounts are not forgotten for it.
    """
    emits: list[Emit] = []
    for action in costs.update_training(data, event, kept):
        account = costs.accounts[action]
        if revision := _revision(account):
            emits += (indicator(event, "cost_per_action", account.money, story=account.correlation_id), *revision)
    return (indicator(event, "cost_per_model_day", costs.spent), *emits)


def charge_bill(costs: CostLedger, event: Event, data: BillReceived, settings: EvaluatorSettings) -> Emits:
    """Correct what actions have cost, and what was emitted of them.

    Args:
        costs: Updated.
        event: The bill.
        data: Its payload.
        settings: Say what an anomaly is.

    Raises:
        Reject: `bill_unmatched`, `currency_differs`, `too_many_bills`.
    """
    emits: list[Emit] = []
    for action in costs.update_bill(data, event.time):
        account = costs.accounts[action]
        (money, estimate, _, _), revision = account.balance, _revision(account)
        emits.append(indicator(event, "cost_per_action", money, story=account.correlation_id))
        if estimate > 0.0:
            emits.append(indicator(event, "bill_ratio", money / estimate, story=account.correlation_id))
        if money > settings.anomaly_ratio * estimate:
            emits.append(indicator(event, "cost_anomaly", money - estimate, story=account.correlation_id))
        emits += revision
    return (*emits, indicator(event, "cost_per_model_day", costs.spent))


def _revision(account: Account) -> Emits:
    """Emit an outcome again if its money has changed."""
    outcome = account.revise_outcome()
    if outcome is None:
        return ()
    return (
        revised(outcome, account.family, account.correlation_id),
        settled(outcome, account.correlation_id),
    )
