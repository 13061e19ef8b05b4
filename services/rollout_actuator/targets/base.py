"""What a rollout command asks of whatever serves a model."""

from typing import Protocol

from homeostat.events import Rollout
from homeostat.serving import Deployment


def deployment_of(command: Rollout, source: str, sequence: str) -> Deployment:
    """Translate a command.

    Candidates without a role of their own are shadows; so is the champion of the action's start, as
    the reference of every payoff, as long as there are candidates to compare with it.

    Args:
        command: The whole state of serving that is asked for.
        source: `ce_source` of the command.
        sequence: `ce_sequence` of the command.
    """
    canary = command.canary if command.canary != command.champion else None
    candidates = [(candidate.version, candidate.artifact) for candidate in command.candidates]
    reference = (command.reference, command.reference_artifact)
    compared = [*candidates, reference] if candidates else []
    shadows = dict.fromkeys(version for version, _ in compared if version not in (command.champion, canary))
    named = [reference, (command.champion, command.champion_artifact), *candidates]
    loaded = (command.champion, canary, *shadows)
    return Deployment(
        source=source,
        sequence=sequence,
        champion=command.champion,
        canary=canary,
        weight=command.weight if canary is not None else 0.0,
        shadows=tuple(shadows),
        artifacts={version: digest for version, digest in named if digest is not None and version in loaded},
    )


class RolloutTarget(Protocol):
    """Something that serves models. What it was last set to survives its restart."""

    def apply(self, model: str, deployment: Deployment) -> bool:
        """Serve a model like this, at once and whole, or not at all.

        Fenced: of one source a lower sequence than the last never acts and the same one acts once.

        Args:
            model: `scope/model`.
            deployment: What to serve.

        Returns:
            Whether the deployment is, or was, set; False if a later one has already acted.

        Raises:
            Retry: The target cannot be reached or cannot say; nothing, or all of it, was done.
            Reject: It cannot serve this, ever; what served before still does.
        """
