"""Whom initial weights rest on, so that no arm starts from those of a source that is distrusted."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.events import ActionProposed, WeightsPublished

_MOST: Final = 1000
"""The newest; an arm that starts from older ones, or from nobody's, rests on nobody that the governor knows."""


@dataclass(slots=True)
class WeightSources:
    """Sources of initial weights.

    Args:
        by_artifact: `ce_source` of each, sorted; the newest artifact last.
    """

    by_artifact: dict[str, list[str]] = field(default_factory=dict)

    def update(self, data: WeightsPublished) -> None:
        """Take note of weights that have passed their gate."""
        known = {*self.by_artifact.pop(data.artifact, []), *data.sources}
        self.by_artifact[data.artifact] = sorted(known)
        if len(self.by_artifact) > _MOST:
            del self.by_artifact[next(iter(self.by_artifact))]

    def of(self, proposal: ActionProposed) -> list[str]:
        """Return whom the weights rest on that an action would start from: those of its arms, or of a meta-training."""
        current = proposal.meta_training.current if proposal.meta_training is not None else None
        artifacts = [*(arm.initial_weights for arm in proposal.arms), current]
        return [
            source for artifact in artifacts if artifact is not None for source in self.by_artifact.get(artifact, [])
        ]
