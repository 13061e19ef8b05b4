"""Events that carry personal data."""

import json
from typing import Any

import numpy as np

from homeostat.events import (
    FeatureContract,
    ModelRegistered,
    Samples,
)
from homeostat.events.columns import F4, pack

MODEL = "shop/a"
SECRET = 12345.678
MAIL = "john.doe@example.com"
FEATURES = (FeatureContract(name="price", low=0.0, high=100.0), FeatureContract(name="email_hash"))


def registered(**changes: Any) -> ModelRegistered:
    return ModelRegistered(
        **{"family": "f", "champion": "v1", "features": FEATURES, "personal_features": ("email_hash",)} | changes
    )


def samples(request: list[str] | None = None, **features: float) -> Samples:
    request = request or ["r0"]
    n = len(request)
    return Samples(
        version="v1",
        role="champion",
        request=request,
        time=pack([100.0] * n),
        features=list(features),
        values=b"".join(pack([value] * n, F4) for value in features.values()),
        prediction=pack([1.0] * n),
        score=pack([np.nan] * n),
    )


def as_json(body: Any) -> tuple[bytes, list[tuple[str, bytes]]]:
    attributes = {"specversion": "1.0", "id": "x", "source": "/s", "type": Samples.TYPE}
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return json.dumps(body).encode(), [*headers, ("content-type", b"application/json")]


ROW = {"version": "v1", "request": ["r"], "time": [1.0], "prediction": [1.0]}
