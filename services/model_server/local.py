"""The embedded model server in this process: the same router without HTTP, for simulation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homeostat.services.model_server.router import Router
from homeostat.serving import Answers, Deployment
from homeostat.serving.fence import StaleDeployment


class LocalTarget:
    """A `RolloutTarget` over a router of this process.

    Args:
        router: What serves.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    def apply(self, model: str, deployment: Deployment) -> bool:
        """See `RolloutTarget.apply`."""
        try:
            self._router.apply(model, deployment)
        except StaleDeployment:
            return False
        return True

    def deployment(self, model: str) -> Deployment:
        """What a model serves; raises `Reject` if nothing was ever set."""
        return self._router.state(model).deployment

    def predict(self, model: str, request: Sequence[str], x: NDArray[np.float32]) -> Answers:
        """See `Router.predict`."""
        return self._router.predict(model, request, x)
