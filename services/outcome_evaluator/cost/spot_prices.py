"""Spot prices of machines, as somebody has seen them."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import CandidateTrained, SliObserved
from homeostat.events.costs import SPOT_PRICE_PREFIX

_MAX_KINDS: Final = 32


@dataclass(slots=True)
class SpotPrice:
    """An observed price and until when it is thought to hold, ms."""

    per_second: float
    until: int


@dataclass(slots=True)
class SpotPrices:
    """The last price of each kind of machine.

    Args:
        by_kind: The longest unseen first and evicted.
    """

    by_kind: dict[str, SpotPrice] = field(default_factory=dict)

    def update(self, data: SliObserved, now: int) -> bool:
        """Take note of a spot price: `sli.observed`, layer cost, `price_per_second.<kind>`; return whether it is one.

        Why no type of its own: it is a number with a name that holds for a window, seen by whoever sees the cost
        indicators of the model's service; its place on the timeline says which trainings it came before.
        """
        if data.layer != "cost" or not data.name.startswith(SPOT_PRICE_PREFIX) or data.value < 0.0:
            return False
        kind = data.name.removeprefix(SPOT_PRICE_PREFIX)
        self.by_kind.pop(kind, None)
        self.by_kind[kind] = SpotPrice(data.value, now + round(data.window_seconds * 1000))
        while len(self.by_kind) > _MAX_KINDS:
            del self.by_kind[next(iter(self.by_kind))]
        return True

    def price_of(self, data: CandidateTrained, now: int) -> float:
        """Return the price of a second: as observed, if the training ran on a spot machine and the price still holds.

        Args:
            data: The report of the training, with its price list's price.
            now: Broker time of the report, ms.
        """
        seen = self.by_kind.get(data.instance) if data.is_spot else None
        return data.price_per_second if seen is None or now > seen.until else seen.per_second
