"""Labels and predictions as the numbers that events hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject


class ClassNumbers:
    """Turns what a model says into class indices or values.

    Args:
        classes: Labels of a classifier in the order of their indices: names, numbers, truth values; None for one that
            says indices, or for a regressor. Beside names alone, numbers are indices.
    """

    def __init__(self, classes: Sequence[object] | None) -> None:
        self._index = None if classes is None else {_plain(name): index for index, name in enumerate(classes)}
        self._is_named = all(isinstance(name, str) for name in self._index or ())

    def __call__(self, said: NDArray[Any]) -> NDArray[np.float64]:
        """Return n numbers.

        Args:
            said: n labels or predictions.

        Raises:
            Reject: `label_unknown`: one that is none of the classes, or a name without classes; `label_invalid`:
                several labels a row.
        """
        if said.ndim != 1:
            raise Reject("label_invalid", f"labels of the shape {said.shape}; a row has one label, and one prediction")
        if said.dtype.kind in "biuf" and self._is_named:
            return said.astype(np.float64)
        if self._index is None:
            raise Reject("label_unknown", f"{said[:1].tolist()[0]!r} is no number; say what there is as `classes`")
        try:
            return np.array([self._index[_plain(name)] for name in said.tolist()], np.float64)
        except (KeyError, TypeError):
            there = ", ".join(map(str, self._index))
            wrong = next(name for name in said.tolist() if _plain(name) not in self._index)
            raise Reject("label_unknown", f"{wrong!r} is none of the classes {there}") from None


def _plain(name: object) -> Any:
    return name.item() if isinstance(name, np.generic) else name
