"""The copy's own server: versions loaded by a function, set by rollouts, mirrored as every server of ours mirrors."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactMissing, ArtifactStore
from homeostat.core import Reject
from homeostat.serving.answering import Predictor, VersionAnswer, mirrored, routed
from homeostat.serving.deployment import Deployment
from homeostat.serving.fence import StaleDeployment
from homeostat.serving.mlp import logits, most_likely
from homeostat.serving.versions import Versions, deployed
from homeostat_tools.cli.exit_codes import CommandFailed, Exit, usage

Load = Callable[[bytes], Predictor]


class CopyStore:
    """Artifacts of a trial: what is made lies in a folder of it, what is there already is read where it lies.

    Args:
        own: Takes what is put.
        original: Read only.
    """

    def __init__(self, own: ArtifactStore, original: ArtifactStore) -> None:
        self._own, self._original = own, original

    def put(self, content: bytes) -> str:
        """See `ArtifactStore.put`."""
        return self._own.put(content)

    def get(self, digest: str) -> bytes:
        """See `ArtifactStore.get`."""
        return self._store(digest).get(digest)

    def exists(self, digest: str) -> bool:
        """See `ArtifactStore.exists`."""
        return self._own.exists(digest) or self._original.exists(digest)

    def url(self, digest: str) -> str:
        """See `ArtifactStore.url`."""
        return self._store(digest).url(digest)

    def _store(self, digest: str) -> ArtifactStore:
        return self._own if self._own.exists(digest) else self._original


class CopyServer:
    """A `RolloutTarget` for one model of this process.

    Args:
        model: `scope/model`.
        store: Artifacts.
        load: Makes a predictor of an artifact.
    """

    def __init__(self, model: str, store: ArtifactStore, load: Load) -> None:
        self._model, self._store, self._load = model, store, load
        self._versions: Versions[Predictor] | None = None

    def apply(self, model: str, deployment: Deployment) -> bool:
        """See `RolloutTarget.apply`."""
        try:
            self._versions = deployed(model, deployment, self._versions, self._loaded)
        except StaleDeployment:
            return False
        return True

    @property
    def deployment(self) -> Deployment:
        """What serves."""
        assert self._versions is not None
        return self._versions.state.deployment

    def answers(
        self, request: Sequence[str], x: NDArray[np.float32]
    ) -> tuple[list[VersionAnswer], list[VersionAnswer]]:
        """Return what the callers get, every row once, and what the other versions say to the rows.

        Args:
            request: n ids.
            x: (n, width).
        """
        assert self._versions is not None
        served, _ = routed(self._model, self.deployment, self._versions.predictors, request, x)
        return served, mirrored(self.deployment, self._versions.predictors, served, x)[0]

    def _loaded(self, digest: str) -> Predictor:
        try:
            return self._load(self._store.get(digest))
        except (Reject, ArtifactMissing):
            raise
        except Exception as error:  # what loads an artifact is anybody's code
            raise Reject("artifact_unusable", f"{type(error).__name__}: {error}") from None


def load_network(content: bytes) -> Predictor:
    """Make a predictor of a network as the embedded model server serves it.

    Raises:
        CommandFailed: It is none, so that `--serve` is needed.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        layers = load(content)
        assert "w1" in layers
    except (SafetensorError, AssertionError):
        raise CommandFailed(
            Exit.FAILED,
            "the artifact is no network that the embedded server serves: name what loads it, --serve MODULE:LOAD",
        ) from None

    def predict(x: Any) -> Any:
        label, score = most_likely(logits(layers, np.asarray(x, np.float32)))
        return label, np.minimum(score, 1.0)

    return predict


def load_of(name: str) -> Load:
    """Import what makes a predictor of an artifact's bytes, as given to `Served`: `module:function`.

    Raises:
        CommandFailed: There is none.
    """
    if not name:
        return load_network
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  as python -m does
    try:
        found = getattr(importlib.import_module(module), attribute or "load")
    except Exception as error:  # whatever a module does when it is imported
        raise usage(f"--serve {name}: {error}; write MODULE:FUNCTION, importable from here") from None
    if not callable(found):
        raise usage(f"--serve {name} is no function")
    load: Load = found
    return load
