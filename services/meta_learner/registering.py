"""A registration leads to a threshold; a flood of them leads to a few a second, so that the law has time for others."""

from itertools import islice
from typing import Final

from homeostat.services.meta_learner.state import State

PER_WINDOW: Final = 60
"""Of a family. A fleet of a thousand cameras has its thresholds within two minutes."""

WINDOW_MS: Final = 6_000


def is_due(state: State, subject: str, now: int) -> bool:
    """Whether a threshold is proposed for a registered model at once; if not, it waits."""
    if not state.unbanded and state.bands.take(now, PER_WINDOW, WINDOW_MS):
        return True
    state.unbanded[subject] = True
    return False


def due(state: State, now: int) -> list[str]:
    """Take the models out whose turn it is, the first come first."""
    found = []
    for subject in list(islice(state.unbanded, PER_WINDOW)):
        if not state.bands.take(now, PER_WINDOW, WINDOW_MS):
            break
        del state.unbanded[subject]
        found.append(subject)
    return found


def next_at(state: State) -> int | None:
    """When the next one's turn is, ms; None if none waits."""
    return state.bands.times[0] + WINDOW_MS if state.unbanded else None
