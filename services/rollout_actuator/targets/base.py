"""The seam between the hand and what serves: one desired state, and who may set it."""

import re
from typing import Annotated, Final, Literal, Protocol

import msgspec

from homeostat.core import Reject
from homeostat.events import Rollout

Role = Literal["champion", "canary", "shadow"]
_MAX_SOURCES: Final = 16
"""Writers that a fence remembers: incarnations of the governance log, and people."""


_SEQUENCE: Final = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,4}))?")
_MAX_OFFSET: Final = 10**12
"""Records of a log beyond which an offset is none: 31 years of a thousand a second."""

_MAX_SOURCE: Final = 512
"""Characters."""


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole state of serving of one model, and the command that asks for it.

    Args:
        source: `ce_source` of the command; whoever installs by hand names another one.
        sequence: `ce_sequence` of the command.
        champion: Version that answers.
        canary: Version that answers a share of the requests, or None.
        weight: That share.
        shadows: Versions that answer nobody; they see every request.
        artifacts: Digests of weights by version. A version the target knows may be left out.
    """

    source: str
    sequence: str
    champion: str
    canary: str | None = None
    weight: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    shadows: tuple[str, ...] = ()
    artifacts: dict[str, str] = {}

    def __post_init__(self) -> None:
        versions = [version for version, _ in self.roles()]
        if len(set(versions)) != len(versions):
            raise ValueError(f"a version has two roles: {', '.join(versions)}")
        if self.weight > 0.0 and self.canary is None:
            raise ValueError(f"weight {self.weight} without a canary")

    def roles(self) -> tuple[tuple[str, Role], ...]:
        """Every version that is loaded, with its role: champion, canary, shadows."""
        canary: tuple[tuple[str, Role], ...] = () if self.canary is None else ((self.canary, "canary"),)
        return (self.champion, "champion"), *canary, *((version, "shadow") for version in self.shadows)


def deployment_of(command: Rollout, source: str, sequence: str) -> Deployment:
    """Translate a command.

    Candidates without a role of their own are shadows; so is the champion of the action's start, as
    the reference of every payoff, as long as there are candidates to compare with it.
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


class StaleDeployment(Reject):
    """A later command of the same source has already acted."""

    def __init__(self, model: str, sequence: str, last: str) -> None:
        super().__init__("stale", f"{model} is at {last}; {sequence} comes too late")
        self.model, self.sequence, self.last = model, sequence, last


class SequenceInvalid(Reject):
    """Not the place of a record in a log: as a fence it would keep every later command out, for ever."""

    def __init__(self, source: str, sequence: str) -> None:
        where = f"source {source[:40]!r}, sequence {sequence[:40]!r}"
        super().__init__("sequence_invalid", f"{where}: a sequence is OFFSET.ORDINAL, the offset below {_MAX_OFFSET}")


def fenced(fences: dict[str, str], model: str, deployment: Deployment) -> dict[str, str]:
    """Return the fences after a deployment: the highest sequence by source, compared as numbers.

    A fence that is no sequence, as earlier versions took, fences nothing.

    Raises:
        SequenceInvalid: The deployment's source or sequence is none.
        StaleDeployment: A later one of its source has acted.
    """
    place, last = _place(deployment.sequence), fences.get(deployment.source)
    is_source = 0 < len(deployment.source) <= _MAX_SOURCE and deployment.source.isprintable()
    if place is None or not is_source:
        raise SequenceInvalid(deployment.source, deployment.sequence)
    if last is not None and place < (_place(last) or (-1, 0)):
        raise StaleDeployment(model, deployment.sequence, last)
    others = [item for item in fences.items() if item[0] != deployment.source]
    return dict([*others[-_MAX_SOURCES + 1 :], (deployment.source, deployment.sequence)])


def _place(sequence: str) -> tuple[int, int] | None:
    found = _SEQUENCE.fullmatch(sequence)
    if found is None or int(found[1]) >= _MAX_OFFSET:
        return None
    return int(found[1]), int(found[2] or 0)
