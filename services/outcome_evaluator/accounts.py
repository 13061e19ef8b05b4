"""What actions cost: seconds times prices until the bill comes, and then the bill."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Event, Identity, Reject
from homeostat.events import BillReceived, CandidateTrained, CostItem, OutcomeMeasured, RewardWeights, SliObserved
from homeostat.events.costs import DEFAULT_CURRENCY, SPOT_PRICE_PREFIX
from homeostat.events.logs import DAY_MS

_REMEMBERED: Final = 16
"""Actions of a model whose bill may still come."""

_MAX_ITEMS: Final = 64
_MAX_BILLS: Final = 32
_MAX_KINDS: Final = 32


@dataclass(slots=True)
class Account:
    """Money of one action.

    Args:
        story: Its story.
        family: `scope/family`.
        since: When its first training was reported, ms.
        currency: Of all amounts.
        items: The estimate, one per arm, failed arms too.
        n_candidates: Arms that were trained.
        bills: Its own bills by id; they replace the estimate.
        shares: Its part of bills of the whole model, by id; likewise.
        outcome: What was last said of it, once it is settled.
        weights: With which its reward was made.
    """

    story: Identity
    family: str
    since: int
    currency: str = DEFAULT_CURRENCY
    items: list[CostItem] = field(default_factory=list)
    n_candidates: int = 0
    bills: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    outcome: OutcomeMeasured | None = None
    weights: RewardWeights = field(default_factory=RewardWeights)

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
class Spot:
    """An observed spot price and until when it is thought to hold, ms."""

    per_second: float
    until: int


@dataclass(slots=True)
class Ledger:
    """Money of one model.

    Args:
        accounts: By action, the oldest first and forgotten.
        spot: Observed prices by kind of machine.
        day: UTC day of `spent`, since the epoch.
        spent: What became known on that day: a bill counts on the day it comes, as in a budget.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    spot: dict[str, Spot] = field(default_factory=dict)
    day: int = 0
    spent: float = 0.0

    def account(self, action: str, story: Identity, family: str, now: int) -> Account:
        """Return an action's account, opened if there is none."""
        found = self.accounts.get(action)
        if found is None:
            found = self.accounts[action] = Account(story, family, now)
            while len(self.accounts) > _REMEMBERED:
                del self.accounts[next(iter(self.accounts))]
        return found

    def observe(self, data: SliObserved, now: int) -> bool:
        """Take note of a spot price: `sli.observed`, layer cost, `price_per_second.<kind>`; return whether it is one.

        Why no type of its own: it is a number with a name that holds for a window, seen by whoever sees the cost
        indicators of the model's service; its place on the timeline says which trainings it came before.
        """
        if data.layer != "cost" or not data.name.startswith(SPOT_PRICE_PREFIX) or data.value < 0.0:
            return False
        kind = data.name.removeprefix(SPOT_PRICE_PREFIX)
        self.spot.pop(kind, None)
        self.spot[kind] = Spot(data.value, now + round(data.window_seconds * 1000))
        while len(self.spot) > _MAX_KINDS:
            del self.spot[next(iter(self.spot))]
        return True

    def trained(self, data: CandidateTrained, event: Event) -> None:
        """Add an arm's seconds; the same arm again replaces its own."""
        account = self.account(data.action, event.story, data.family, event.time)
        before = account.money
        price, seen = data.price_per_second, self.spot.get(data.instance)
        if data.is_spot and seen is not None and event.time <= seen.until:
            price = seen.per_second
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
        self._count(account.money - before, event.time)

    def billed(self, data: BillReceived, now: int) -> list[str]:
        """Replace estimates by what is charged; return the actions concerned, sorted.

        Raises:
            Reject: `bill_unmatched`, `currency_differs`, `too_many_bills`.
        """
        if data.action is not None:
            charged = [data.action] if data.action in self.accounts else []
        else:
            charged = sorted(
                action
                for action, account in self.accounts.items()
                if data.from_time <= account.since < data.to_time and not account.bills and account.estimate > 0.0
            )
        if not charged:
            what = (
                data.action or f"a training of {data.from_time} to {data.to_time} with a price and no bill of its own"
            )
            raise Reject("bill_unmatched", f"{what} is not among the last {_REMEMBERED} actions of the model")
        for action in charged:
            if (currency := self.accounts[action].currency) != data.currency:
                raise Reject("currency_differs", f"the prices are in {currency}, the bill is in {data.currency}")
            _check_room(self.accounts[action], data.bill)
        had = sorted(action for action, account in self.accounts.items() if data.bill in account.shares)
        concerned = sorted({*charged, *had})
        before = _sum(self.accounts[action].money for action in concerned)
        for action in had:
            del self.accounts[action].shares[data.bill]
        if data.action is not None:
            account = self.accounts[data.action]
            account.shares = {}  # its own bill is better than a share
            account.bills[data.bill] = data.amount
        else:
            whole = _sum(self.accounts[action].estimate for action in charged)
            for action in charged:
                account = self.accounts[action]
                account.shares[data.bill] = data.amount * (account.estimate / whole)
        self._count(_sum(self.accounts[action].money for action in concerned) - before, now)
        return concerned

    def _count(self, money: float, now: int) -> None:
        day = now // DAY_MS
        if day != self.day:
            self.day, self.spent = day, 0.0
        self.spent += money


def _check_room(account: Account, bill: str) -> None:
    if bill not in account.bills and bill not in account.shares and len(account.bills | account.shares) >= _MAX_BILLS:
        raise Reject("too_many_bills", f"an action has at most {_MAX_BILLS} bills: sum them up under one id")


def _sum(amounts: Iterable[float]) -> float:
    """Add in order, plainly: `sum` compensates in newer Pythons and not in older ones."""
    total = 0.0
    for amount in amounts:
        total += amount
    return total
