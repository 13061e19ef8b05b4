"""Payloads that people and jobs send in a rehearsal."""

from base64 import b64encode
from typing import Any, Final

from numpy.typing import NDArray

from homeostat.events import Array, EpisodeRecorded, Samples
from homeostat.events.columns import F4, pack
from homeostat.services.meta_learner.settings import LearnerSettings

N_TASKS: Final = LearnerSettings().tasks_per_training
"""As many as the learner waits for before it proposes to learn initial weights."""


def run_of(task: str, number: int, rows: int) -> EpisodeRecorded:
    """Return the trace of a training job: more rows help, and cost time."""
    return EpisodeRecorded(
        episode=f"{task}-{number}-{rows}",
        task=task,
        configuration=f"c{number}",
        rows=rows,
        result=0.9 - 0.1 * number - 20.0 / rows,
        seconds=0.01 * rows * (number + 1),
        latency_seconds=0.002 * (3 - number),
    )


def weights(action: str, family: str) -> dict[str, Any]:
    """Return the fields of published weights."""
    numbers = {"loss": 0.4, "gain": 0.1, "gain_low": 0.05, "n_tasks": N_TASKS}
    return {"action": action, "family": family, "artifact": "2" * 64, "algorithm": "maml", **numbers}


def one_row(version: str, request: str, feature: str) -> Samples:
    """Return one served row with one feature."""
    one = pack([1.0])
    values = pack([1.0], F4)
    return Samples(
        version=version,
        role="champion",
        request=[request],
        time=one,
        features=[feature],
        values=values,
        prediction=one,
        score=one,
    )


def array(values: NDArray[Any]) -> Array:
    """Return an array as it lies inside a payload."""
    dtype = {"f": "float32", "i": "int64"}[values.dtype.kind]
    return Array.model_validate({"dtype": dtype, "shape": values.shape, "data": b64encode(values.tobytes()).decode()})
