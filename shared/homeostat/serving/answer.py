"""What the callers of a served model get."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.serving.answering import VersionAnswer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the callers get for n rows.

    Args:
        request: Ids, n; labels refer to them.
        prediction: As the version that answered says it, (n,).
        score: (n,); NaN where the model says none.
        version: Version that answered each row.
    """

    request: list[str]
    prediction: NDArray[Any]
    score: NDArray[np.float64]
    version: list[str]

    def to_arrow(self) -> Any:
        """Return the same as a `pyarrow.RecordBatch`, a missing score as null.

        Raises:
            ImportError: pyarrow is not installed (the extra `arrow`).
        """
        import pyarrow as pa

        score = pa.array(self.score, mask=np.isnan(self.score))
        columns = {"request": self.request, "prediction": self.prediction, "score": score, "version": self.version}
        return pa.RecordBatch.from_pydict(columns)


def assembled(request: list[str], answers: Sequence[VersionAnswer]) -> Answer:
    """Put what several versions say to the rows of a batch into one answer.

    Args:
        request: n ids.
        answers: Which together have every row once.
    """
    if len(answers) == 1:
        (one,) = answers
        return Answer(request, one.prediction, one.score, [one.version] * len(request))
    prediction = np.empty(len(request), np.result_type(*(answer.prediction for answer in answers)))
    score, version = np.empty(len(request)), [""] * len(request)
    for answer in answers:
        prediction[answer.rows], score[answer.rows] = answer.prediction, answer.score
        for row in answer.rows:
            version[row] = answer.version
    return Answer(request, prediction, score, version)
