"""Money of a scope: reserved, spent, and corrected when the bill comes."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import ScopeConfigured
from homeostat.services.governor.action import SERVING

SIGNED_SETTING: Final = "signed_costs"
"""Of a scope: whether its budget follows signed reports and signed prices alone; it does, unless this is false. Bills
and observed prices of the spot market are telemetry: whoever may write that could give a budget back, or use it up."""

_MOST_CHARGES: Final = 1_000
"""Actions whose bill may still come; one that comes later is shown, and changes no budget."""


@dataclass(slots=True)
class Budget:
    """Money of a scope in the running period: spent, and reserved by actions in flight.

    Args:
        money: Of a period, >= 0.
        period_ms: Its length.
        since: When the running one began, ms.
        spent: In the running period, >= 0.
        reserved: By actions in flight, >= 0.
        is_default: Nobody has set it for this scope: it follows the budget of `*`.
    """

    money: float
    period_ms: int
    since: int
    spent: float = 0.0
    reserved: float = 0.0
    is_default: bool = False

    def roll_over(self, now: int) -> None:
        """Begin a new period when the old one is over; what is reserved stays reserved."""
        if now >= self.since + self.period_ms:
            self.since += (now - self.since) // self.period_ms * self.period_ms
            self.spent = 0.0

    def reset(self, money: float, period_ms: int, now: int, *, is_default: bool) -> None:
        """Begin a period with new money; what is spent and reserved stays.

        Args:
            money: Per period.
            period_ms: Length of the period.
            now: Broker time, ms.
            is_default: Whether it follows the budget of `*`.
        """
        self.roll_over(now)
        self.money, self.period_ms, self.since, self.is_default = money, period_ms, now, is_default

    def release(self, reserved: float, cost: float, now: int) -> None:
        """Turn what was reserved into what was spent.

        Args:
            reserved: Money that was kept.
            cost: Money that it came to.
            now: Broker time, ms.
        """
        self.roll_over(now)
        self.reserved = max(0.0, self.reserved - reserved)
        self.spent += cost


@dataclass(slots=True)
class Charge:
    """What an action that is over was charged, until the bill says better."""

    scope: str
    cost: float


@dataclass(slots=True)
class Budgets:
    """The budgets of all scopes, and what was charged to them lately.

    Args:
        by_scope: That of `*` is the default of the others.
        charges: Of the last actions that are over, by action, the newest last.
    """

    by_scope: dict[str, Budget] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)

    def open(self, scope: str, now: int, default_money: float, default_period_ms: int) -> Budget:
        """Return the budget of a scope in the running period; begin one where there is none.

        Args:
            scope: A scope.
            now: Broker time, ms.
            default_money: Where neither the scope nor `*` has a budget.
            default_period_ms: Its period.
        """
        if scope not in self.by_scope:
            default = self.by_scope.get("*")
            amount = default.money if default else default_money
            period = default.period_ms if default else default_period_ms
            self.by_scope[scope] = Budget(amount, period, now, is_default=True)
        self.by_scope[scope].roll_over(now)
        return self.by_scope[scope]

    def set(self, scope: str, money: float, period_ms: int, now: int) -> None:
        """Begin a period with new money. `*` sets all scopes without their own.

        Args:
            scope: A scope, or `*`.
            money: Of a period, >= 0.
            period_ms: Its length.
            now: Broker time, ms.
        """
        followers = [name for name, budget in self.by_scope.items() if budget.is_default and scope == "*"]
        for name in (scope, *followers):
            budget = self.by_scope.setdefault(name, Budget(money, period_ms, now))
            budget.reset(money, period_ms, now, is_default=name != scope)

    def reserve(self, scope: str, money: float) -> None:
        """Keep money for an action, in any period, until it is released."""
        self.by_scope[scope].reserved += money

    def release(self, scope: str, reserved: float, cost: float, now: int) -> None:
        """Turn what an action has reserved into what it has spent.

        Args:
            scope: Of the action.
            reserved: What was kept for it.
            cost: What it cost.
            now: Broker time, ms.
        """
        self.by_scope[scope].release(reserved, cost, now)

    def charge(self, id_: str, scope: str, reserved: float, cost: float, now: int) -> None:
        """Release what an action has reserved, and remember what it was charged.

        Args:
            id_: The action.
            scope: Its scope.
            reserved: What was kept for it.
            cost: What it is charged.
            now: Broker time, ms.
        """
        self.release(scope, reserved, cost, now)
        self.charges[id_] = Charge(scope, cost)
        while len(self.charges) > _MOST_CHARGES:
            del self.charges[next(iter(self.charges))]

    def correct(self, id_: str, cost: float, now: int) -> None:
        """Replace what an action was charged by what it has cost; the difference counts in the running period.

        A period that is over is closed: what it overspent, the next one pays.

        Args:
            id_: The action; one that has no charge any more changes nothing.
            cost: What it has cost.
            now: Broker time, ms.
        """
        charge = self.charges.get(id_)
        if charge is None:
            return
        budget = self.by_scope[charge.scope]
        budget.roll_over(now)
        budget.spent = max(0.0, budget.spent + cost - charge.cost)
        charge.cost = cost


def cost_of(configured: ScopeConfigured | None, kind: str, evaluated: float | None, own: float) -> float:
    """What counts as the cost of an action.

    Args:
        configured: Settings of its scope.
        kind: Of the action. What a meta-training costs rests on nothing but what its hand has signed.
        evaluated: As the evaluator knows it, from bills and observed prices too; None if it does not.
        own: As the governor does: signed reports times signed prices.
    """
    is_lax = configured is not None and configured.settings.get(SIGNED_SETTING) is False
    return own if evaluated is None or (kind in SERVING and not is_lax) else evaluated
