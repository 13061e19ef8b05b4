"""Money of a scope: reserved, spent, and corrected when the bill comes."""

from typing import Final

from homeostat.services.governor.flight import SERVING
from homeostat.services.governor.rules import roll_over
from homeostat.services.governor.state import Action, Booked, State

_REMEMBERED: Final = 1_000
"""Actions whose bill may still come; one that comes later is shown, and changes no budget."""


SIGNED_SETTING: Final = "signed_costs"
"""Of a scope: whether its budget follows signed reports and signed prices alone; it does, unless this is false. Bills
and observed prices of the spot market are telemetry: whoever may write that could give a budget back, or use it up."""


def cost_of(state: State, scope: str, kind: str, said: float | None, own: float) -> float:
    """What counts as the cost of an action.

    Args:
        state: For the settings of the scope.
        scope: Of the action.
        kind: Of the action. What a meta-training costs rests on nothing but what its hand has signed.
        said: As the evaluator knows it, from bills and observed prices too; None if it does not.
        own: As these books do: signed reports times signed prices.
    """
    configured = state.configured.get(scope)
    is_lax = configured is not None and configured.settings.get(SIGNED_SETTING) is False
    return own if said is None or (kind in SERVING and not is_lax) else said


def charge(state: State, action: Action, cost: float) -> None:
    """Count what an arm has cost; what goes beyond the reservation is kept too, so that nobody else is given it."""
    before = action.reserved
    action.cost += cost
    state.budgets[action.scope].reserved += action.reserved - before


def release(state: State, action: Action, cost: float, now: int) -> None:
    """Turn what was reserved into what was spent."""
    budget = state.budgets[action.scope]
    roll_over(budget, now)
    budget.reserved = max(0.0, budget.reserved - action.reserved)
    budget.spent += cost
    model = state.models.get(action.proposal.model or "")
    if model is not None and action.proposal.kind in SERVING and not action.proposal.is_idle:
        model.settled_at = now


def book(state: State, id_: str, action: Action, cost: float, now: int) -> None:
    """Release an action's tokens, and remember what it was charged."""
    release(state, action, cost, now)
    state.booked[id_] = Booked(action.scope, cost)
    while len(state.booked) > _REMEMBERED:
        del state.booked[next(iter(state.booked))]


def correct(state: State, id_: str, kind: str, said: float | None, now: int) -> None:
    """Replace what an action was charged by what it has cost; the difference counts in the running period.

    A cost that nobody knows, or that does not count in the scope, changes nothing. A period that is over is closed:
    what it overspent, the next one pays.
    """
    booked = state.booked.get(id_)
    if booked is None:
        return
    cost = cost_of(state, booked.scope, kind, said, booked.cost)
    budget = state.budgets[booked.scope]
    roll_over(budget, now)
    budget.spent = max(0.0, budget.spent + cost - booked.cost)
    booked.cost = cost
