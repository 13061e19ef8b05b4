"""The loaded versions of one model, and how a deployment changes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from homeostat.core import Reject
from homeostat.serving.deployment import Deployment, ModelState
from homeostat.serving.fence import fenced

P = TypeVar("P")
_MOST_KNOWN: Final = 64
"""Versions of a model whose digest is remembered, so that one can be reverted to by name."""


@dataclass(frozen=True, slots=True)
class Versions(Generic[P]):
    """What answers now; replaced whole, so that a batch sees one deployment.

    Args:
        state: What was deployed, and what came before it.
        predictors: By version; one for every role of the deployment.
    """

    state: ModelState
    predictors: Mapping[str, P]

    def by_digest(self) -> dict[str, P]:
        """Return what is loaded by the digest of its artifact; what has none is not in it."""
        artifacts = self.state.deployment.artifacts
        return {artifacts[version]: one for version, one in self.predictors.items() if version in artifacts}


def restored(state: ModelState, load: Callable[[str], P], own: Mapping[str, P] | None = None) -> Versions[P]:
    """Return what a model was last set to, loaded again.

    Args:
        state: Of the model.
        load: Makes a predictor of the artifact with a digest.
        own: Predictors that are there without an artifact, by version.

    Raises:
        Reject: `artifact_unknown`: a version has neither. Whatever `load` raises.
    """
    there, artifacts = own or {}, state.deployment.artifacts
    lost = [version for version, _ in state.deployment.roles() if version not in there and version not in artifacts]
    if lost:
        raise Reject("artifact_unknown", f"no artifact of {', '.join(lost)}, which served last")
    versions = [version for version, _ in state.deployment.roles()]
    return Versions(state, {name: there[name] if name in there else load(artifacts[name]) for name in versions})


def deployed(
    model: str,
    deployment: Deployment,
    before: Versions[P] | None,
    load: Callable[[str], P],
    own: Mapping[str, P] | None = None,
) -> Versions[P]:
    """Return what serves after a deployment; nothing is changed if it raises.

    Args:
        model: `scope/model`, for refusals.
        deployment: What shall be served.
        before: What is served; None: nothing yet.
        load: Makes a predictor of the artifact with a digest; what is loaded already is not loaded again.
        own: Predictors that are there without an artifact, by version: what a process has brought with it.

    Returns:
        `before` itself, if this deployment has acted already.

    Raises:
        SequenceInvalid: Its sequence is no place in a log.
        StaleDeployment: A later one of its source has acted.
        Reject: `artifact_unknown`: a version has no artifact that was ever named. Whatever `load` raises.
    """
    fences = fenced(before.state.fences if before else {}, model, deployment)
    if before is not None and before.state.fences.get(deployment.source) == deployment.sequence:
        return before
    known = (before.state.known if before else {}) | deployment.artifacts
    versions, there = [version for version, _ in deployment.roles()], dict(own or {})
    missing = [version for version in versions if version not in known and version not in there]
    if missing:
        raise Reject("artifact_unknown", f"no digest was ever given for {', '.join(missing)} of {model}")
    artifacts = {version: known[version] for version in versions if version in known}
    whole = msgspec.structs.replace(deployment, artifacts=artifacts)
    loaded = before.by_digest() if before else {}
    predictors: dict[str, P] = {}
    for version in versions:
        if version in there:
            predictors[version] = there[version]
        else:
            digest = artifacts[version]
            predictors[version] = loaded[digest] if digest in loaded else load(digest)
    earlier = {version: digest for version, digest in known.items() if version not in artifacts}
    latest = [*earlier.items(), *artifacts.items()][-_MOST_KNOWN:]
    return Versions(ModelState(whole, fences, dict(latest)), predictors)
