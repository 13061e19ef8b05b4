"""The model server without its door: many models, each with its versions, fenced and hot-swapped."""

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import ArtifactStore
from homeostat.core import Reject
from homeostat.services.model_server.predictor import Network, load_network
from homeostat.services.model_server.routing import answer
from homeostat.serving import Answers, Deployment, ModelState
from homeostat.serving.state_file import StateFile
from homeostat.serving.versions import Versions, deployed, restored


class ModelUnknown(Reject):
    """Nothing was ever deployed for this model."""

    def __init__(self, model: str) -> None:
        super().__init__("model_unknown", f"no deployment of {model!r}; PUT one to /models/{model}/deployment")


class Router:
    """Serves predictions of many models and swaps their versions while it does.

    `predict` may run in one thread while `apply` runs in another.

    Args:
        store: Where the weights lie.
        state: Where the deployments are kept; None keeps them in memory only.
    """

    def __init__(self, store: ArtifactStore, state: StateFile | None = None) -> None:
        self._store, self._file, self._lock = store, state, Lock()
        states = state.read() if state is not None else {}
        self._models = {model: restored(kept, self._load) for model, kept in states.items()}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, sorted."""
        return tuple(sorted(self._models))

    def state(self, model: str) -> ModelState:
        """What a model was set to.

        Raises:
            ModelUnknown: It never was.
        """
        return self._serving(model).state

    def apply(self, model: str, deployment: Deployment) -> ModelState:
        """Set a model; on any error what served before still does.

        Returns:
            The state after it: another one if this deployment had already acted before that.

        Raises:
            SequenceInvalid: Its sequence is no place in a log.
            StaleDeployment: A later one of its source has acted.
            Reject: A version has no known artifact, or its artifact cannot be served.
            StoreUnavailable: Try again.
        """
        with self._lock:
            old = self._models.get(model)
            new = deployed(model, deployment, old, self._load)
            if new is old:
                return new.state
            if len({network.width for network in new.predictors.values()}) > 1:
                raise Reject("artifact_unusable", f"the versions of {model} take inputs of different widths")
            if self._file is not None:
                self._file.write({name: serving.state for name, serving in self._models.items()} | {model: new.state})
            self._models[model] = new
            return new.state

    def predict(self, model: str, request: Sequence[str], x: NDArray[np.float32]) -> Answers:
        """Answer a batch.

        Args:
            model: `scope/model`.
            request: n ids, n >= 1.
            x: (n, width) float32, finite.

        Raises:
            ModelUnknown: It was never deployed.
            Reject: `batch_invalid`: the inputs do not fit the model.
        """
        serving = self._serving(model)
        width = serving.predictors[serving.state.deployment.champion].width
        if x.shape != (len(request), width):
            raise Reject("batch_invalid", f"{model} takes ({len(request)}, {width}) inputs, not {x.shape}")
        return answer(model, serving.state.deployment, serving.predictors, request, x)

    def _serving(self, model: str) -> Versions[Network]:
        serving = self._models.get(model)
        if serving is None:
            raise ModelUnknown(model)
        return serving

    def _load(self, digest: str) -> Network:
        return load_network(self._store.get(digest))
