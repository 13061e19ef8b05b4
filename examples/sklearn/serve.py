"""A random forest that reads digits serves itself; then somebody turns the camera.

homeostat up --without model-server
python examples/sklearn/serve.py --events 200
"""

import argparse
import io
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from homeostat.audit.secret_file import read_secret
from homeostat.client import Client
from homeostat.events import Arm, FamilyRegistered, FeatureContract, ModelRegistered
from homeostat.serving import Served
from homeostat.serving.deployment_http import DeploymentProtocol

MODEL, FAMILY = "post/reader", "post/forests"
ROWS_AN_EVENT, LABELS_LATE = 40, 3


def predictor_of(forest: RandomForestClassifier) -> Callable[[Any], tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Classes and their probabilities."""

    def predict(x: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        probability = forest.predict_proba(x)
        return forest.classes_[probability.argmax(axis=1)], probability.max(axis=1)

    return predict


def load(content: bytes) -> Callable[[Any], tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Make a predictor of what the recipe has saved."""
    return predictor_of(joblib.load(io.BytesIO(content)))


def main() -> None:
    """Register, serve, label three events late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.2, help="between two events")
    parser.add_argument("--port", type=int, default=8100, help="where deployments come to")
    options = parser.parse_args()

    data = load_digits()
    names = list(data.feature_names)
    known, rng = 600, np.random.default_rng(0)
    forest = RandomForestClassifier(100, random_state=0).fit(data.data[:known], data.target[:known])

    with Client(source="/post/serving") as client:
        arms = (
            Arm(name="refit_200", hyperparameters={"rows": 200}),
            Arm(name="refit_all", hyperparameters={"rows": 0}),
        )
        family = FamilyRegistered(arms=arms, baseline="refit_200", recipe="reader", wait_labels=80, horizon_labels=120)
        features = tuple(FeatureContract(name=name) for name in names)
        registered = ModelRegistered(family="forests", champion="v1", features=features, input_width=len(names))
        client.publish(None, FAMILY, family)
        client.publish(None, MODEL, registered)
        served = Served(MODEL, "v1", predictor_of(forest), load=load, client=client, features=names, capture=1.0)
        token_file = client.settings.token_file
        listener = DeploymentProtocol([served], lambda: read_secret(token_file)).listen(options.port)
        late: deque[tuple[list[str], NDArray[np.int64]]] = deque()
        for event in range(options.events):
            rows = rng.integers(known, len(data.target), ROWS_AN_EVENT)
            x, y = data.data[rows].copy(), data.target[rows]
            if event >= 40:
                x = np.rot90(x.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64)
            answer = served(x)
            late.append((answer.request, y))
            if len(late) > LABELS_LATE:
                served.label(*late.popleft())
            now = served.state.deployment
            right = float((answer.prediction == y).mean())
            print(
                event,
                "turned" if event >= 40 else "upright",
                f"{right:.2f}",
                now.champion,
                now.canary or "-",
                now.weight,
                flush=True,
            )
            time.sleep(options.seconds)
        served.close()
        listener.close()


if __name__ == "__main__":
    main()
