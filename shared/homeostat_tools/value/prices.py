"""What trainings cost and points are worth, as the house prices them."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.core.identity import scope_of
from homeostat.events import Data, RulesSet
from homeostat_tools.value.intervals import Estimate

_POINT = 0.01
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one model.

    Args:
        per_training_second: Of the price list.
        training_seconds: That one retrain takes, as somebody said.
        currency: Of all money.
        hourly_value: Worth of one point of the error (a hundredth) for an hour; 0: nobody said.
    """

    per_training_second: float
    training_seconds: float
    currency: str
    hourly_value: float = 0.0

    @property
    def per_training(self) -> float:
        """Of one training."""
        return self.per_training_second * self.training_seconds

    def worth(self, gain: Estimate, seconds: float) -> tuple[float, float, float] | None:
        """Return what a gain is worth with its interval; None where nobody has said what a point is worth.

        Args:
            gain: Errors avoided per row.
            seconds: For how long.
        """
        if not self.hourly_value:
            return None
        scale = self.hourly_value * seconds / _HOUR_SECONDS / _POINT
        return gain.mean * scale, gain.low * scale, gain.high * scale


def prices_of(law: Sequence[Data], model: str, training_seconds: float, hourly_value: float) -> Prices:
    """Take the prices in force for a model; those of its scope before those of the organisation.

    Args:
        law: Rules among others.
        model: `scope/model`.
        training_seconds: That one retrain takes.
        hourly_value: See `Prices`.
    """
    by_scope = {data.scope: data for data in law if isinstance(data, RulesSet)}
    rules = by_scope.get(scope_of(model)) or by_scope.get("*") or RulesSet()
    return Prices(rules.price_per_training_second, training_seconds, rules.currency, hourly_value)
