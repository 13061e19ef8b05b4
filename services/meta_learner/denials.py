"""How long a proposal waits that a rule has denied for the time being.

A cooldown says itself how long it lasts. For what may end any time (a freeze, a slot, a budget) it is asked again with
the next profile, or after a minute, and at ever longer intervals up to an hour, as long as the drift is open; and at
once when the rules change.
"""

from dataclasses import dataclass
from typing import Final

from homeostat.events import VerdictGiven
from homeostat.events.governance import PASSING_RULES

_COOLDOWN: Final = "cooldown"
_OF_A_MOMENT: Final = frozenset({"known_model", "data_window"})
"""Rules that the next profile answers: it speaks of the champion of then, and of more rows."""

_FIRST_MS: Final = 60_000
_LONGEST_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Denial:
    """What a verdict that denies says of asking again.

    Args:
        wait_ms: After how long; None if time alone changes nothing, or if a person said no.
        cooling_ms: What is left of the cooldown: before that it is denied for certain.
        is_of_the_moment: Whether the same may be asked with the next profile, without twice the labels.
    """

    wait_ms: int | None
    cooling_ms: int
    is_of_the_moment: bool

    @classmethod
    def of(cls, verdict: VerdictGiven, n_denied: int) -> "Denial":
        """Read a verdict.

        Args:
            verdict: That denied it.
            n_denied: How often it was denied before.
        """
        denied_by = {result.rule: result for result in verdict.rules if not result.passed}
        cooldown = denied_by.get(_COOLDOWN)
        cooling = 0 if cooldown is None else max(0, int(cooldown.limit) - int(cooldown.value))
        wait = None
        if denied_by and denied_by.keys() <= PASSING_RULES:
            is_only_cooling = denied_by.keys() == {_COOLDOWN}
            wait = max(cooling, 0 if is_only_cooling else min(_FIRST_MS << min(n_denied, 6), _LONGEST_MS))
        return cls(wait, cooling, bool(denied_by) and denied_by.keys() <= PASSING_RULES | _OF_A_MOMENT)
