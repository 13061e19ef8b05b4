"""Which version answers which request, and what the others would have said."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.core import Reject
from homeostat.services.model_server.predictor import Network
from homeostat.serving import Answers, Deployment, Mirrored, Role, Routed
from homeostat.serving.canary import canary_rows

_SHOWN: Final = 64
"""Characters of a request id that a refusal quotes."""


def answer(
    model: str,
    deployment: Deployment,
    networks: Mapping[str, Network],
    request: Sequence[str],
    x: NDArray[np.float32],
) -> Answers:
    """Let every version answer every row; route, and mirror the rest.

    Champion and canary mirror each other's rows, so that each pair of answers to one request can be
    compared, and shadows see all rows.

    Args:
        model: `scope/model`.
        deployment: Who has which role.
        networks: One per version.
        request: n ids, n >= 1.
        x: (n, width) float32, a row per request.

    Raises:
        Reject: `answer_not_finite`: the version that a row is routed to has no finite answer to it.
    """
    is_canary = canary_rows(model, request, deployment.weight if deployment.canary is not None else 0.0)
    label, score = networks[deployment.champion].predict(x)
    version = [deployment.champion] * len(request)
    mirrored: dict[str, Mirrored] = {}
    if deployment.canary is not None:
        canary_label, canary_score = networks[deployment.canary].predict(x)
        rows = np.flatnonzero(is_canary)
        _mirror(mirrored, deployment.champion, "champion", rows, label, score)
        _mirror(mirrored, deployment.canary, "canary", np.flatnonzero(~is_canary), canary_label, canary_score)
        label, score = np.where(is_canary, canary_label, label), np.where(is_canary, canary_score, score)
        for row in rows:
            version[row] = deployment.canary
    _check_finite(request, version, score)
    every = np.arange(len(request))
    for shadow in deployment.shadows:
        _mirror(mirrored, shadow, "shadow", every, *networks[shadow].predict(x))
    return Answers(Routed(version, label.tolist(), score.tolist()), mirrored, dict(deployment.roles()))


def _check_finite(request: Sequence[str], version: Sequence[str], score: NDArray[np.float64]) -> None:
    lost = np.flatnonzero(~np.isfinite(score))
    if len(lost):
        row = int(lost[0])
        raise Reject(
            "answer_not_finite",
            f"row {row}, request {request[row][:_SHOWN]!r}: what {version[row]} makes of this input is beyond float64; "
            f"{len(lost)} of {len(request)} rows are; send inputs of the size that it was trained on",
        )


def _mirror(
    mirrored: dict[str, Mirrored],
    version: str,
    role: Role,
    rows: NDArray[np.intp],
    label: NDArray[np.int64],
    score: NDArray[np.float64],
) -> None:
    rows = rows[np.isfinite(score[rows])]
    if len(rows):
        mirrored[version] = Mirrored(role, rows.tolist(), label[rows].tolist(), score[rows].tolist())
