"""How often a model may be registered, and which registrations are news to the law."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.core import Reject
from homeostat.core.rate import Rate
from homeostat.events import ModelRegistered

PER_HOUR: Final = 60
"""Of one model: a client registers at its start, and no model has a new contract every minute."""

_HOUR_MS: Final = 3_600_000


@dataclass(slots=True)
class Registrations:
    """When a model was registered lately.

    Args:
        passed: Registrations that went on.
        told: Those of which the law has heard without need: it forgets models that nobody was about.
    """

    passed: Rate = field(default_factory=Rate)
    told: Rate = field(default_factory=Rate)

    def admit(self, model: ModelRegistered, before: ModelRegistered | None, now: int) -> bool:
        """Count a registration; return whether it goes on: of repetitions, no more than a client has reason for.

        Args:
            model: Checked, with the number of its contract; without provenance.
            before: The last one.
            now: Broker time, ms.

        Raises:
            Reject: `registration_rate`: there were too many, and this one says something else.
        """
        if self.passed.take(now, PER_HOUR, _HOUR_MS):
            return True
        if model == before:
            return False
        raise Reject("registration_rate", f"a model is registered at most {PER_HOUR} times an hour")

    def is_news(self, model: ModelRegistered, before: ModelRegistered | None, now: int) -> bool:
        """Whether the law hears of a registration: what it looks at is new, or somebody has signed it.

        What changes nothing is said again once an hour.

        Args:
            model: As it was registered now.
            before: As it was the last time; None at first.
            now: Broker time, ms.
        """
        is_signed = model.provenance is not None and model.provenance.signer is not None
        is_same = before is not None and _law(model) == _law(before) and not is_signed
        return self.told.take(now, 1, _HOUR_MS) or not is_same


def _law(model: ModelRegistered) -> tuple[object, ...]:
    return model.family, model.tier, model.champion, model.artifact
