"""What a version says to a batch: routed to one of them, and mirrored to the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.core import Reject
from homeostat.serving.canary import canary_rows
from homeostat.serving.deployment import Deployment, Role
from homeostat.serving.rows import n_rows, take

Said = ArrayLike | tuple[ArrayLike, ArrayLike]
Predictor = Callable[[Any], Said]
"""A model: from n rows to n predictions, or to (predictions, scores)."""


@dataclass(frozen=True, slots=True)
class VersionAnswer:
    """What one version says to some rows of a batch.

    Args:
        version: That speaks.
        role: Of it.
        rows: Row numbers, rising.
        prediction: One per row: class names, class indices or values.
        score: One per row; NaN where the model says none.
        seconds: Time that it took.
    """

    version: str
    role: Role
    rows: NDArray[np.intp]
    prediction: NDArray[Any]
    score: NDArray[np.float64]
    seconds: float


def ask(predictor: Predictor, version: str, role: Role, x: Any, rows: NDArray[np.intp]) -> VersionAnswer:
    """Let one version answer some rows of a batch.

    Args:
        predictor: The version.
        version: Its name.
        role: Its role.
        x: n rows.
        rows: Which of them; all are given as they are, without a copy.

    Raises:
        Reject: `answer_invalid`: not one prediction a row. Whatever the predictor raises.
    """
    started = perf_counter()
    said = predictor(x if len(rows) == n_rows(x) else take(x, rows))
    seconds = perf_counter() - started
    prediction, score = (said[0], said[1]) if isinstance(said, tuple) else (said, None)
    predictions = np.asarray(prediction)
    scores = np.full(len(rows), np.nan) if score is None else np.asarray(score, np.float64)
    if predictions.shape != (len(rows),) or scores.shape != (len(rows),):
        shapes = f"{predictions.shape} predictions and {scores.shape} scores"
        raise Reject("answer_invalid", f"{version} says {shapes} to {len(rows)} rows; it must be one of each a row")
    return VersionAnswer(version, role, rows, predictions, scores, seconds)


def routed(
    model: str, deployment: Deployment, predictors: Mapping[str, Predictor], request: Sequence[str], x: Any
) -> tuple[list[VersionAnswer], list[str]]:
    """Let champion and canary answer the rows that are theirs.

    Args:
        model: `scope/model`.
        deployment: Who has which role.
        predictors: By version.
        request: n ids.
        x: n rows.

    Returns:
        The answers, which together have every row once; and the versions that could not answer: a canary that raises is
        answered for by the champion.

    Raises:
        Exception: Whatever the champion raises.
    """
    is_canary = canary_rows(model, request, deployment.weight if deployment.canary is not None else 0.0)
    answers, failed = [], list[str]()
    if deployment.canary is not None and is_canary.any():
        try:
            mine = np.flatnonzero(is_canary)
            answers.append(ask(predictors[deployment.canary], deployment.canary, "canary", x, mine))
        except Exception:  # a candidate's own code; its callers are answered all the same
            failed.append(deployment.canary)
            is_canary[:] = False
    if not is_canary.all():
        rest = np.flatnonzero(~is_canary)
        answers.append(ask(predictors[deployment.champion], deployment.champion, "champion", x, rest))
    return answers, failed


def mirrored(
    deployment: Deployment, predictors: Mapping[str, Predictor], answers: Sequence[VersionAnswer], x: Any
) -> tuple[list[VersionAnswer], list[str]]:
    """Let every version answer the rows that another one has answered.

    Args:
        deployment: Who has which role.
        predictors: By version.
        answers: Of `routed`, to the same rows.
        x: n rows.

    Returns:
        The answers that nobody gets, and the versions that could not answer.
    """
    found, failed = [], list[str]()
    for version, role in deployment.roles():
        is_left = np.ones(n_rows(x), np.bool_)
        for answer in answers:
            if answer.version == version:
                is_left[answer.rows] = False
        if is_left.any():
            try:
                found.append(ask(predictors[version], version, role, x, np.flatnonzero(is_left)))
            except Exception:  # a candidate's own code
                failed.append(version)
    return found, failed
