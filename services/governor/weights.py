"""Whom initial weights rest on, so that no arm starts from those of a source that is distrusted."""

from typing import Final

from homeostat.events import ActionProposed, WeightsPublished
from homeostat.services.governor.state import State

_MOST: Final = 1000
"""The newest; an arm that starts from older ones, or from nobody's, rests on nobody that the governor knows."""


def remember(state: State, data: WeightsPublished) -> None:
    """Take note of weights that have passed their gate."""
    known = {*state.weights.pop(data.artifact, []), *data.sources}
    state.weights[data.artifact] = sorted(known)
    if len(state.weights) > _MOST:
        del state.weights[next(iter(state.weights))]


def sources_of(state: State, proposal: ActionProposed) -> list[str]:
    """Return whom the weights rest on that an action would start from: those of its arms, or of a meta-training."""
    current = proposal.meta_training.current if proposal.meta_training is not None else None
    artifacts = [*(arm.initial_weights for arm in proposal.arms), current]
    return [source for artifact in artifacts if artifact is not None for source in state.weights.get(artifact, [])]
