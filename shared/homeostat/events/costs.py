"""Money: price lists, bills, what an action cost, and what it was worth."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, StringConstraints, model_validator

from homeostat.events.base import Arm, Data, Name, Value
from homeostat.events.bounds import LEAST, Amount, Identifier, Millis

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code; amounts of different currencies are never added."""

DEFAULT_CURRENCY: Final = "EUR"

MOST_HOURS: Final = 1e6
"""114 years: longer than a gain lasts."""

DEFAULT_INSTANCE: Final = "default"
"""Kind of machine of an arm that names none: it has the fallback price."""

SPOT_PRICE_PREFIX: Final = "price_per_second."
"""`sli.observed` of layer `cost` with this name and a kind of instance behind it is that kind's spot price now."""


Hours = Annotated[float, Field(ge=LEAST, le=MOST_HOURS)]


class InstancePrice(Value):
    """What a second on a kind of machine costs.

    Args:
        per_second: On demand.
        spot_per_second: On the spot market, where no observed price is known; None: as on demand.
    """

    per_second: Amount
    spot_per_second: Amount | None = None


class RewardWeights(Value):
    """What counts in a reward, all in the currency of the prices.

    reward = `quality` x points gained x hourly value of the model x `hours`
    - `latency` x seconds of mean latency added x `hours` - `cost` x money spent.

    Args:
        quality: Weight of business value; no unit. A point is one hundredth of the error, its hourly value is in
            `model.registered`.
        latency: Money per second of mean latency and hour of serving.
        cost: Weight of the money spent; no unit.
        hours: For how long a gain is thought to last: outcomes are measured over rows, worth accrues over hours.
        indicator: Name of an `sli.observed` in money per hour, of the layer `business` if several have it. Its change
            at a promotion then stands for points times hourly value in the reward of an outcome. It is unpaired: what
            else happened is in it, so it counts only where nobody changed what serves since, and a trend of its own
            counts as well.
    """

    quality: Amount = 1.0
    latency: Amount = 0.0
    cost: Amount = 1.0
    hours: Hours = 24.0
    indicator: Name | None = None


class SliChange(Value):
    """What an indicator of the service did when what serves changed: means weighted by the windows' length.

    Args:
        name: Of the `sli.observed`.
        layer: Of it.
        before: Between the change before and this one.
        after: Since.
        n_before: Windows before, >= 1.
        n_after: Windows since, >= 1.
    """

    name: Name
    layer: Name
    before: float
    after: float
    n_before: int = Field(ge=1)
    n_after: int = Field(ge=1)


class CostItem(Value):
    """What training one arm cost, by the price list.

    Args:
        arm: The arm, failed ones too.
        instance: Kind of machine.
        is_spot: Bought on the spot market.
        seconds: Training time.
        price_per_second: That counted.
    """

    arm: Name
    instance: Name = DEFAULT_INSTANCE
    is_spot: bool = False
    seconds: float = Field(ge=0.0)
    price_per_second: float = Field(ge=0.0)

    @property
    def money(self) -> float:
        """Seconds times price."""
        return self.seconds * self.price_per_second


class Reward(Value):
    """What something was worth, term by term, each weighted and in `currency`.

    Args:
        quality: Business value of the gain in accuracy over the hours, or of the change of an indicator.
        latency: Worth of the change in latency; negative where it got slower.
        cost: Minus the money spent.
        total: Sum of the terms.
        hours: Over which value accrues.
        currency: Of all of them.
    """

    quality: float
    latency: float
    cost: float
    total: float
    hours: float
    currency: Currency = DEFAULT_CURRENCY


class BillReceived(Data):
    """What somebody charges; it comes late and replaces the estimate.

    Without an action it is for all of the model's trainings that began in the period, and shared among those without
    a bill of their own in proportion to their estimates.

    Args:
        bill: Id of the position; the same id again replaces the amount.
        action: What it is for, if the provider's tags say so.
        from_time: Start of the period that is billed, ms.
        to_time: End of it, not included.
        amount: Charged.
        currency: Must be that of the prices.
    """

    TYPE: ClassVar[str] = "homeostat.bill.received.v1"
    bill: Name
    action: Identifier | None = None
    from_time: Millis
    to_time: Millis
    amount: Amount
    currency: Currency = DEFAULT_CURRENCY

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_time <= self.from_time:
            raise ValueError(f"the period ends at {self.to_time}, before it begins at {self.from_time}")
        return self


def instance_of(arm: Arm) -> tuple[str, bool]:
    """Return the kind of machine that an arm asks for (`instance`), and whether on the spot market (`spot`)."""
    return str(arm.hyperparameters.get("instance", DEFAULT_INSTANCE)), bool(arm.hyperparameters.get("spot", False))


def price_of(prices: Mapping[str, InstancePrice], fallback: float, instance: str, *, is_spot: bool) -> float:
    """Return the price of a second by the list.

    Args:
        prices: By kind of machine.
        fallback: Of kinds that are not listed.
        instance: The kind.
        is_spot: Spot market: its listed price if there is one, else that on demand.
    """
    listed = prices.get(instance)
    if listed is None:
        return fallback
    if is_spot and listed.spot_per_second is not None:
        return listed.spot_per_second
    return listed.per_second
