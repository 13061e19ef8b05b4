"""What was recorded, as a client of the copy would publish it."""

from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeostat.events import Data, Samples
from homeostat.events.columns import F4, pack
from homeostat.serving.answering import VersionAnswer

T = TypeVar("T", bound=Data)


def plain(data: T) -> T:
    """Take away what intake has added."""
    added = {"provenance": None, "model": None}
    return data.model_copy(update={name: value for name, value in added.items() if name in type(data).model_fields})


def without(samples: Samples) -> Samples:
    """Take the mark of an injection away: in a system of its own, everything may learn from it."""
    return msgspec.structs.replace(samples, is_synthetic=False)


def samples_of(
    drawn: Samples, x: NDArray[np.float32], answer: VersionAnswer, now: float, *, is_served: bool
) -> Samples:
    """Return what one version said to its rows, as a server publishes it.

    Args:
        drawn: The rows, n.
        x: Their inputs, (n, width).
        answer: To some of the rows.
        now: Seconds since the epoch.
        is_served: Whether callers got it; else it is mirrored.
    """
    rows, n = answer.rows, len(answer.rows)
    is_watched = answer.role == "champion" and is_served
    return Samples(
        version=answer.version,
        role=answer.role if is_served or answer.role == "champion" else "shadow",
        request=[drawn.request[row] for row in rows],
        time=pack([now] * n),
        features=drawn.features if is_watched else [],
        values=np.ascontiguousarray(drawn.matrix()[:, rows]).tobytes() if is_watched else b"",
        prediction=pack(np.asarray(answer.prediction, np.float64)),
        score=pack(answer.score),
        captured=list(range(n)) if is_served else [],
        inputs=pack(x[rows], F4) if is_served else b"",
    )
