"""What actions cost: seconds times prices until the bill comes, and then the bill."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from homeostat.core import Event, Identity, Reject
from homeostat.events import BillReceived, CandidateTrained, CostItem, OutcomeMeasured, RewardWeights
from homeostat.events.costs import DEFAULT_CURRENCY
from homeostat.events.logs import DAY_MS
from homeostat.services.outcome_evaluator.cost.spot_prices import SpotPrices

_REMEMBERED: Final = 16
"""Actions of a model whose bill may still come."""

_MAX_ITEMS: Final = 64
_MAX_BILLS: Final = 32
_MAX_PERIODS: Final = 128


class Balance(NamedTuple):
    """What an action has cost, as far as is known.

    Args:
        money: Charged, or else estimated.
        estimate: Seconds times prices.
        is_billed: Whether anything was charged.
        items: The estimate by arm.
    """

    money: float
    estimate: float
    is_billed: bool
    items: tuple[CostItem, ...]


@dataclass(slots=True)
class Account:
    """Money of one action.

    Args:
        correlation_id: Its story.
        family: `scope/family`.
        since: When its first training was reported, ms.
        currency: Of all amounts.
        items: The estimate, one per arm, failed arms too.
        n_candidates: Arms that were trained.
        bills: Its own bills by id; they replace the estimate.
        shares: Its part of bills of the whole model, by id; likewise, where it has none of its own.
        outcome: Last emitted, once it is settled.
        weights: With which its reward was made.
    """

    correlation_id: Identity
    family: str
    since: int
    currency: str = DEFAULT_CURRENCY
    items: list[CostItem] = field(default_factory=list)
    n_candidates: int = 0
    bills: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    outcome: OutcomeMeasured | None = None
    weights: RewardWeights = field(default_factory=RewardWeights)

    def revise_outcome(self) -> OutcomeMeasured | None:
        """Return the outcome with the money of today, and keep it, if it was emitted with other money."""
        outcome, now = self.outcome, self.balance
        if outcome is None or (outcome.money, outcome.is_billed, outcome.items) == (
            now.money,
            now.is_billed,
            now.items,
        ):
            return None
        reward = outcome.reward
        if reward is not None:
            cost = -self.weights.cost * now.money
            reward = reward.model_copy(update={"cost": cost, "total": reward.quality + reward.latency + cost})
        revised = {"money": now.money, "is_billed": now.is_billed, "items": now.items, "reward": reward}
        self.outcome = outcome.model_copy(update=revised)
        return self.outcome

    @property
    def balance(self) -> Balance:
        """What it has cost."""
        return Balance(self.money, self.estimate, self.is_billed, tuple(self.items))

    @property
    def estimate(self) -> float:
        """Seconds times prices."""
        return _sum(item.money for item in self.items)

    @property
    def is_billed(self) -> bool:
        """Whether anything was charged."""
        return bool(self.bills or self.shares)

    @property
    def money(self) -> float:
        """The best that is known."""
        return _sum((*self.bills.values(), *self.shares.values())) if self.is_billed else self.estimate


@dataclass(slots=True)
class PeriodBill:
    """A bill of the whole model.

    Args:
        from_time: Start of the period, ms.
        to_time: Its end, or when the bill came if that was earlier; not included: nobody charges what is to come.
        amount: Charged.
        gone: Estimates of actions that bear a part of it and are forgotten.
    """

    from_time: int
    to_time: int
    amount: float
    gone: float = 0.0


@dataclass(slots=True)
class CostLedger:
    """Money of one model.

    Args:
        accounts: By action, the oldest first and forgotten.
        periods: Bills of the whole model, by id.
        spot_prices: Observed.
        day: UTC day of `spent`, since the epoch.
        spent: What became known on that day: a bill counts on the day it comes, as in a budget.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    periods: dict[str, PeriodBill] = field(default_factory=dict)
    spot_prices: SpotPrices = field(default_factory=SpotPrices)
    day: int = 0
    spent: float = 0.0

    def account(
        self, action: str, correlation_id: Identity, family: str, now: int, kept: Collection[str] = ()
    ) -> Account:
        """Return an action's account, opened if there is none.

        Args:
            action: The action.
            correlation_id: Its story.
            family: `scope/family`.
            now: ms.
            kept: Actions that are not forgotten for it.
        """
        found = self.accounts.get(action)
        if found is None:
            found = self.accounts[action] = Account(correlation_id, family, now)
            old = [known for known in self.accounts if known not in kept]
            for known in old[: max(0, len(self.accounts) - _REMEMBERED)]:
                self._forget(known)
        return found

    def _forget(self, action: str) -> None:
        """What it bore of bills is not borne by the others."""
        account = self.accounts.pop(action)
        for bill in account.shares:
            self.periods[bill].gone += account.estimate

    def update_training(self, data: CandidateTrained, event: Event, kept: Collection[str] = ()) -> list[str]:
        """Add an arm's seconds; the same arm again replaces its own.

        Args:
            data: The report.
            event: That brought it.
            kept: Actions that are not forgotten for it.

        Returns:
            Actions that cost something else now, sorted: this one, and those that share a bill with it.
        """
        account = self.account(data.action, event.story, data.family, event.time, kept)
        before = self._known()
        price = self.spot_prices.price_of(data, event.time)
        item = CostItem(
            arm=data.arm,
            instance=data.instance,
            is_spot=data.is_spot,
            seconds=data.seconds,
            price_per_second=price,
        )
        is_again = any(known.arm == data.arm for known in account.items)
        account.items = [*(known for known in account.items if known.arm != data.arm), item][-_MAX_ITEMS:]
        account.n_candidates += data.version is not None and not is_again
        account.currency = data.currency
        self._share()
        return sorted({data.action, *self._changed(before, event.time)})

    def update_bill(self, data: BillReceived, now: int) -> list[str]:
        """Replace estimates by what is charged; return the actions concerned, sorted.

        Bills may come in any order: those of a period are kept, and shared anew whenever who bears them changes.

        Raises:
            Reject: `bill_unmatched`, `currency_differs`, `too_many_bills`.
        """
        charged = self._charged(data)
        if not charged:
            what = (
                data.action or f"a training of {data.from_time} to {data.to_time} with a price and no bill of its own"
            )
            raise Reject("bill_unmatched", f"{what} is not among the last {_REMEMBERED} actions of the model")
        for action in charged:
            if (currency := self.accounts[action].currency) != data.currency:
                raise Reject("currency_differs", f"the prices are in {currency}, the bill is in {data.currency}")
        self._check_room(data)
        before = self._known()
        for action, account in self.accounts.items():
            if action != data.action:
                account.bills.pop(data.bill, None)
        known = self.periods.pop(data.bill, None)
        if data.action is not None:
            self.accounts[data.action].bills[data.bill] = data.amount
        else:
            gone = known.gone if known is not None else 0.0
            self.periods[data.bill] = PeriodBill(data.from_time, min(data.to_time, now + 1), data.amount, gone)
        self._share()
        return sorted({*charged, *self._changed(before, now)})

    def _charged(self, data: BillReceived) -> list[str]:
        """Actions that a bill is for, sorted."""
        if data.action is not None:
            return [data.action] if data.action in self.accounts else []
        return sorted(
            action
            for action, account in self.accounts.items()
            if data.from_time <= account.since < data.to_time
            and not account.bills.keys() - {data.bill}
            and account.estimate > 0.0
        )

    def _share(self) -> None:
        """Derive who bears what of the bills of periods: trainings without a bill of their own, by their estimates."""
        for account in self.accounts.values():
            account.shares = {}
        for name, bill in self.periods.items():
            bearers = [
                account
                for account in self.accounts.values()
                if bill.from_time <= account.since < bill.to_time and not account.bills and account.estimate > 0.0
            ]
            whole = bill.gone + _sum(account.estimate for account in bearers)
            for account in bearers:
                account.shares[name] = bill.amount * (account.estimate / whole)

    def _check_room(self, data: BillReceived) -> None:
        """Make room for one more bill: of an action, or of the model, where one that nobody bears any more goes.

        Raises:
            Reject: `too_many_bills`.
        """
        if data.action is not None:
            bills = self.accounts[data.action].bills
            if data.bill not in bills and len(bills) >= _MAX_BILLS:
                raise Reject("too_many_bills", f"an action has at most {_MAX_BILLS} bills: sum them up under one id")
        elif data.bill not in self.periods and len(self.periods) >= _MAX_PERIODS:
            borne = {name for account in self.accounts.values() for name in account.shares}
            idle = next((name for name in self.periods if name not in borne), None)
            if idle is None:
                raise Reject("too_many_bills", f"a model has at most {_MAX_PERIODS} bills: sum them up under one id")
            del self.periods[idle]

    def _known(self) -> dict[str, tuple[float, bool]]:
        """Money of every action, and whether it is charged."""
        return {action: (account.money, account.is_billed) for action, account in self.accounts.items()}

    def _changed(self, before: dict[str, tuple[float, bool]], now: int) -> list[str]:
        """Count what has become known; return the actions whose money has changed."""
        after = self._known()
        changed = [action for action, money in after.items() if money != before[action]]
        self._count(_sum(after[action][0] - before[action][0] for action in changed), now)
        return changed

    def _count(self, money: float, now: int) -> None:
        day = now // DAY_MS
        if day != self.day:
            self.day, self.spent = day, 0.0
        self.spent += money


def _sum(amounts: Iterable[float]) -> float:
    """Add in order, plainly: `sum` compensates in newer Pythons and not in older ones."""
    total = 0.0
    for amount in amounts:
        total += amount
    return total
