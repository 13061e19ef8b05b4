"""What the versions of a model say to a batch of requests."""

import msgspec

from homeostat.serving.deployment import Role


class Routed(msgspec.Struct, frozen=True):
    """What the callers get, row by row.

    Args:
        version: Version that answered.
        prediction: Class index.
        score: Confidence in (0, 1].
    """

    version: list[str]
    prediction: list[int]
    score: list[float]


class Mirrored(msgspec.Struct, frozen=True):
    """What one version says to requests that another one answered; nobody gets it.

    Args:
        role: Of the version.
        rows: Indices into the batch, rising.
        prediction: One per row in `rows`.
        score: One per row in `rows`.
    """

    role: Role
    rows: list[int]
    prediction: list[int]
    score: list[float]


class Answers(msgspec.Struct, frozen=True):
    """Answers to a batch: together `served` and `mirrored` hold one answer of every version to every row.

    A row that a version has no finite answer to is not among what it mirrors.

    Args:
        served: What counts.
        mirrored: By version; one that answered every row itself is not there.
        roles: Role of every version that is loaded.
        latency_seconds: Time the batch took inside the server.
    """

    served: Routed
    mirrored: dict[str, Mirrored]
    roles: dict[str, Role]
    latency_seconds: float = 0.0
