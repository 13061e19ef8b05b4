"""The initial weights of a family that may be used, and those that may not because of whom they rest on."""

from typing import Final

from homeostat.core import Emit
from homeostat.events import WeightsPublished, WeightsWithdrawn
from homeostat.events.logs import EXPERIENCE
from homeostat.events.sources import rests_on
from homeostat.services.meta_learner.state import State, Weights

_MOST: Final = 4
"""Older ones are kept for the case that a source of the newest is distrusted."""


def publish(state: State, data: WeightsPublished) -> tuple[Emit, ...]:
    """Take note of weights that have passed their gate; those of a distrusted source are withdrawn at once."""
    sources = sorted({*data.sources, *sources_of(state, state.tasks.current)})
    number = 1 + max((one.number for one in (*state.weights, *state.withdrawn)), default=0)
    one = Weights(data.artifact, sources, number)
    if rests_on(sources, state.distrusted):
        _set_aside(state, [one])
        return (_withdrawn(state, data.family, one),)
    state.weights = [*state.weights, one][-_MOST:]
    return ()


def withdraw(state: State, family: str, source: str) -> tuple[Emit, ...]:
    """Set aside the weights that were trained on a source's tasks, and say so: whoever has them must not use them.

    Args:
        state: Changed; the source is among those that are distrusted.
        family: `scope/family`.
        source: Distrusted.
    """
    bad = [one for one in state.weights if rests_on(one.sources, [source])]
    state.weights = [one for one in state.weights if one not in bad]
    _set_aside(state, bad)
    return tuple(_withdrawn(state, family, one) for one in bad)


def restore(state: State) -> None:
    """Take back in what rests on nobody who is distrusted any more; whoever knows of the trust may use it again."""
    good = [one for one in state.withdrawn if not rests_on(one.sources, state.distrusted)]
    state.withdrawn = [one for one in state.withdrawn if one not in good]
    state.weights = sorted([*state.weights, *good], key=lambda one: one.number)[-_MOST:]


def discard(state: State, family: str, reason: str) -> tuple[Emit, ...]:
    """Give all weights up for good: no task fits them any more."""
    given_up = [*state.weights, *state.withdrawn]
    state.weights, state.withdrawn = [], []
    return tuple(
        Emit(EXPERIENCE, WeightsWithdrawn(family=family, artifact=one.artifact, reason=reason)) for one in given_up
    )


def sources_of(state: State, artifact: str | None) -> list[str]:
    """Whose tasks weights rest on; what they were continued from counts too."""
    known = (*state.weights, *state.withdrawn)
    return next((one.sources for one in known if one.artifact == artifact), [])


def _set_aside(state: State, bad: list[Weights]) -> None:
    state.withdrawn = [*state.withdrawn, *bad][-_MOST:]


def _withdrawn(state: State, family: str, one: Weights) -> Emit:
    source = next(source for source in state.distrusted if rests_on(one.sources, [source]))
    reason = f"they rest on {source}, which is distrusted"
    return Emit(EXPERIENCE, WeightsWithdrawn(family=family, artifact=one.artifact, source=source, reason=reason[:2000]))
