"""The stand-in for the training recipe that nobody can run again: what a retrain learns from a window of rows."""

import warnings
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat_tools.value.rows import Floats, Kind

RecipeName = Literal["forest", "linear"]

DESCRIPTIONS: Final[dict[RecipeName, str]] = {
    "forest": "random forest of scikit-learn, 50 trees, at least 3 rows a leaf, from scratch at every retrain",
    "linear": "logistic or ridge regression of scikit-learn on standardised features, from scratch at every retrain",
}


class Fitted(Protocol):
    """A trained model."""

    def predict(self, x: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Return (n,) answers and (n,) confidences in them; NaN where the model has none."""


@dataclass(frozen=True, slots=True)
class _Constant:
    value: float

    def predict(self, x: NDArray[np.float32]) -> tuple[Floats, Floats]:
        return np.full(len(x), self.value), np.ones(len(x))


@dataclass(frozen=True, slots=True)
class _Estimator:
    estimator: Any
    has_scores: bool

    def predict(self, x: NDArray[np.float32]) -> tuple[Floats, Floats]:
        if not len(x):
            return np.empty(0), np.empty(0)
        if not self.has_scores:
            return np.asarray(self.estimator.predict(x), np.float64), np.full(len(x), np.nan)
        shares = self.estimator.predict_proba(x)
        return np.asarray(self.estimator.classes_[shares.argmax(axis=1)], np.float64), shares.max(axis=1)


def fit(name: RecipeName, kind: Kind, x: NDArray[np.float32], y: Floats, seed: int) -> Fitted:
    """Train on labelled rows.

    Args:
        name: Of the recipe.
        kind: What is learned.
        x: (n, d), n >= 1; NaN is missing.
        y: (n,) truths.
        seed: For every draw; the same gives the same model.
    """
    if kind == "classifier" and len(np.unique(y)) == 1:
        return _Constant(float(y[0]))
    estimator = _forest(kind, seed) if name == "forest" else _linear(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns that are missing throughout, fits that stop early
        estimator.fit(x, y)
    return _Estimator(estimator, kind == "classifier")


def _forest(kind: Kind, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestClassifier if kind == "classifier" else RandomForestRegressor
    return forest(n_estimators=50, min_samples_leaf=3, random_state=seed, n_jobs=1)


def _linear(kind: Kind) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    last = LogisticRegression(max_iter=200) if kind == "classifier" else Ridge()
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), last)
