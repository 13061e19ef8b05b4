"""Settings of the training advisor: part of its version."""

from dataclasses import dataclass
from typing import Final

INTERVAL_Z: Final = 1.6448536
"""Half-width of a 90 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class AdvisorSettings:
    """How questions of a new family wait for the rules.

    Args:
        rules_wait_ms: How long a question waits for the rules of a family that was just announced.
        max_waiting: Questions that wait; further ones are answered at once.
    """

    rules_wait_ms: int = 5_000
    max_waiting: int = 64
