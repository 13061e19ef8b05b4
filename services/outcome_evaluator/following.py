"""A promotion after its settlement: the old champion is held back, and the outcome is said again when it changes."""

from homeostat.core import Emit
from homeostat.events import OutcomeMeasured
from homeostat.services.outcome_evaluator.accounts import Account
from homeostat.services.outcome_evaluator.outcome import outcome_of, revised, settlement
from homeostat.services.outcome_evaluator.settings import EvaluatorSettings
from homeostat.services.outcome_evaluator.state import Ended, Followed, State, Trial

Emits = tuple[Emit, ...]


def follow(state: State, trial: Trial) -> None:
    """Go on measuring a promotion that was just settled."""
    state.followed = Followed(trial, trial.plan.holdback_labels, 2 * max(1, trial.after.n))


def look(state: State, model: str, settings: EvaluatorSettings) -> Emits:
    """Say the outcome again if it has changed materially, or is final by the number of rows.

    Materially: another verdict, or a gain outside of the interval that was said. It is looked at whenever the rows
    have doubled: looking after every row would find a change by chance.
    """
    followed = state.followed
    if followed is None:
        return ()
    if followed.n_left <= 0:
        return conclude(state, model, settings)
    if followed.trial.after.n < followed.look_at:
        return ()
    followed.look_at = 2 * followed.trial.after.n
    account = _account(state, followed.trial)
    outcome = outcome_of(followed.trial, account, model, state, settings, is_final=False)
    if account.outcome is not None and not _is_material(account.outcome, outcome):
        return ()
    account.outcome = outcome
    return (revised(outcome, followed.trial.family, followed.trial.story),)


def conclude(state: State, model: str, settings: EvaluatorSettings, ended: Ended | None = None) -> Emits:
    """Say the last word on the promotion that is followed, if there is one.

    Args:
        state: No promotion is followed afterwards.
        model: `scope/model`.
        settings: Of the evaluator.
        ended: Another end than the promotion: it was reverted.
    """
    followed, state.followed = state.followed, None
    if followed is None:
        return ()
    state.rest()
    trial = followed.trial
    trial.ended = ended or trial.ended
    account = _account(state, trial)
    account.outcome = outcome_of(trial, account, model, state, settings, is_final=True)
    return (revised(account.outcome, trial.family, trial.story), settlement(account.outcome, trial.story))


def _account(state: State, trial: Trial) -> Account:
    return state.ledger.account(trial.action, trial.story, trial.family, 0, kept=[trial.action])


def _is_material(said: OutcomeMeasured, now: OutcomeMeasured) -> bool:
    return said.verdict != now.verdict or not said.gain_low <= now.gain <= said.gain_high
