"""Money of a scope: reserved, spent, and corrected when the bill comes."""

from typing import Final

from governor.rules import roll_over
from governor.state import Action, Booked, State

_REMEMBERED: Final = 1_000
"""Actions whose bill may still come; one that comes later is shown, and changes no budget."""


def release(state: State, action: Action, cost: float, now: int) -> None:
    """Turn what was reserved into what was spent."""
    budget = state.budgets[action.scope]
    roll_over(budget, now)
    budget.reserved = max(0.0, budget.reserved - action.proposal.money)
    budget.spent += cost
    model = state.models.get(action.proposal.model or "")
    if model is not None and action.proposal.kind in ("retrain", "rollout"):
        model.settled_at = now


def book(state: State, id_: str, action: Action, cost: float, now: int) -> None:
    """Release an action's tokens, and remember what it was charged."""
    release(state, action, cost, now)
    state.booked[id_] = Booked(action.scope, cost)
    while len(state.booked) > _REMEMBERED:
        del state.booked[next(iter(state.booked))]


def correct(state: State, id_: str, cost: float | None, now: int) -> None:
    """Replace what an action was charged by what it has cost; the difference counts in the running period.

    A cost that nobody knows changes nothing. A period that is over is closed: what it overspent, the next one pays.
    """
    booked = state.booked.get(id_)
    if booked is None or cost is None:
        return
    budget = state.budgets[booked.scope]
    roll_over(budget, now)
    budget.spent = max(0.0, budget.spent + cost - booked.cost)
    booked.cost = cost
