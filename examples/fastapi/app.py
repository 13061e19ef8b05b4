"""Progression of diabetes, forecast behind FastAPI: categories and missing values, labels through the same app.

homeostat up --without model-server
uvicorn --app-dir examples/fastapi --factory app:make --port 8100
"""

import io
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # ships no types
from fastapi import FastAPI
from numpy.typing import NDArray
from pydantic import BaseModel
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor

from homeostat.audit.secret_file import read_secret
from homeostat.client import Client
from homeostat.events import Arm, FamilyRegistered, FeatureContract, ModelRegistered
from homeostat.inputs import Category, Inputs, Number
from homeostat.serving import Served
from homeostat.serving.middleware import HomeostatMiddleware

MODEL, FAMILY = "clinic/progression", "clinic/regressors"
INPUTS = Inputs(
    age=Number(),
    sex=Category("female", "male"),
    bmi=Number(may_be_missing=True),
    bp=Number(may_be_missing=True),
    s5=Number(may_be_missing=True),
)


class Patient(BaseModel):
    """What is known of a patient, as far as it is."""

    age: float
    sex: str | None = None
    bmi: float | None = None
    bp: float | None = None
    s5: float | None = None


class Outcome(BaseModel):
    """What became of one, under the id that the forecast's response had in `homeostat-request`."""

    request: str
    progression: float


def patients() -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The 442 patients of scikit-learn in the columns above."""
    data = load_diabetes(as_frame=True, scaled=False)
    frame = data.data[["age", "sex", "bmi", "bp", "s5"]].copy()
    frame["sex"] = np.where(frame["sex"] == 2, "male", "female")
    return frame, data.target.to_numpy()


def load(content: bytes) -> Any:
    """Make a predictor of what the recipe has saved: from a data frame to forecasts."""
    model: HistGradientBoostingRegressor = joblib.load(io.BytesIO(content))
    return lambda x: model.predict(as_frame(x))


def as_frame(x: Any) -> pd.DataFrame:
    """A table in the form that the model was trained on."""
    frame = pd.DataFrame(x, columns=list(INPUTS.names))
    frame["sex"] = pd.Categorical(frame["sex"], ["female", "male"])
    return frame.astype({name: float for name in INPUTS.watched if name != "sex"})


def fit(frame: pd.DataFrame, y: NDArray[np.float64], seed: int) -> bytes:
    """Train; return what `load` takes."""
    model = HistGradientBoostingRegressor(max_iter=60, categorical_features="from_dtype", random_state=seed)
    file = io.BytesIO()
    joblib.dump(model.fit(as_frame(frame), y), file)
    return file.getvalue()


def register(client: Client) -> None:
    """Say what there is, at each start."""
    arms = (
        Arm(name="refit_200", hyperparameters={"rows": 200}),
        Arm(name="refit_all", hyperparameters={"rows": 0}),
    )
    client.publish(None, FAMILY, FamilyRegistered(arms=arms, baseline="refit_200", recipe="progression"))
    features = tuple(FeatureContract(name=name) for name in INPUTS.watched)
    registered = ModelRegistered(
        family="regressors", kind="regressor", champion="v1", features=features, input_width=INPUTS.width
    )
    client.publish(None, MODEL, registered)


def make(client: Client | None = None, token_file: Path | None = None) -> FastAPI:
    """Return the app; its arguments are for tests."""
    client = Client(source="/clinic/app") if client is None else client
    register(client)
    first, y = patients()
    served = Served(
        MODEL, "v1", load(fit(first[:200], y[:200], 0)), load=load, client=client, inputs=INPUTS, capture=1.0
    )
    file = client.settings.token_file if token_file is None else token_file
    app = FastAPI(title="Progression")
    app.add_middleware(HomeostatMiddleware, served=[served], token=lambda: read_secret(file))

    @app.post("/forecast")
    async def forecast(asked: list[Patient]) -> list[float]:
        answer = await served.answer(pd.DataFrame([patient.model_dump() for patient in asked]))
        return [float(value) for value in answer.prediction]

    @app.post("/outcomes", status_code=202)
    async def outcomes(known: list[Outcome]) -> None:
        served.label([one.request for one in known], [one.progression for one in known])

    return app
