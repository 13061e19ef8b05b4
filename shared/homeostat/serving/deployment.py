"""What a model server is told to serve, and what it says that it serves."""

from typing import Annotated, Literal

import msgspec

from homeostat.core import Reject

Role = Literal["champion", "canary", "shadow"]


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


def read_deployment(body: bytes) -> Deployment:
    """Read a deployment from JSON.

    Raises:
        Reject: `deployment_invalid`.
    """
    try:
        return msgspec.json.decode(body, type=Deployment)
    except msgspec.MsgspecError as error:
        raise Reject("deployment_invalid", str(error)) from None


class ModelState(msgspec.Struct, frozen=True):
    """One model.

    Args:
        deployment: What it serves; `artifacts` has every version that is loaded.
        fences: Highest sequence by source.
        known: Digests by version, also of versions that were unloaded; the latest last.
    """

    deployment: Deployment
    fences: dict[str, str]
    known: dict[str, str]
