"""Training recipe of the demo's family: `python -m homeostat_lab.demo.recipe JOB.json`.

The job is a JSON object: `arms` (list of `arm`, `hyperparameters` as in `homeostat_lab.demo.arms`, and
`initial_weights`, a path or null), `data` (.npz with `x` (n, 64) float32 and `y` (n,) int64 in order of
time), `champion` (safetensors, or null), `out` (folder) and `seed`. Each arm that succeeds becomes
`<out>/<arm>.safetensors`. Standard output is one JSON line per arm, as it finishes: `arm`, `path`,
`seconds`, `rows`, `loss_curve`, or `arm` and `error`; an arm that fails does not hold up the others.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from homeostat_lab.demo.arms import Scalar
from homeostat_lab.demo.digits import Floats, Labels
from homeostat_lab.demo.network import Weights, train

_RATE: Final = "lr."
"""Prefix of the learned step sizes that the meta-trainer stores beside the tensors."""

_Failures: Final = (ArithmeticError, KeyError, TypeError, ValueError, OSError, SafetensorError)


def latest(hyperparameters: Mapping[str, Scalar], x: Floats, y: Labels) -> tuple[Floats, Labels]:
    """Return the rows an arm learns from: the last `rows` of them, or all if there are fewer.

    Args:
        hyperparameters: Of the arm; `rows` is how many.
        x: (n, 64), oldest first.
        y: (n,).
    """
    rows = int(hyperparameters["rows"])
    return x[-rows:], y[-rows:]


def train_arm(
    hyperparameters: Mapping[str, Scalar],
    x: Floats,
    y: Labels,
    *,
    champion: Weights | None,
    initial_weights: Weights | None = None,
    seed: int,
    on_step: Callable[[int, float], None] | None = None,
) -> Weights:
    """Train one arm on the rows it is given.

    Args:
        hyperparameters: See `homeostat_lab.demo.arms`; `start` says which weights are needed.
        x: (n, 64) float32, n >= 1.
        y: (n,) int64.
        champion: Weights that serve.
        initial_weights: Meta-learned ones; entries `lr.w1`, … are their learned step sizes.
        seed: Of chance.
        on_step: See `train`.

    Raises:
        KeyError: A hyperparameter is missing (`skip` has none: it is not trained).
        ValueError: The weights to start from are missing.
        DivergedError: The loss became non-finite.
    """
    start = str(hyperparameters["start"])
    stored = {"champion": champion, "initial_weights": initial_weights, "random": {}}[start]
    if stored is None:
        raise ValueError(f"{start} is where this arm starts, and it was not given")
    rates = {name.removeprefix(_RATE): float(rate) for name, rate in stored.items() if name.startswith(_RATE)}
    tensors = {name: tensor for name, tensor in stored.items() if not name.startswith(_RATE)}
    return train(
        tensors or None,
        x,
        y,
        lr=float(hyperparameters["lr"]),
        steps=int(hyperparameters["steps"]),
        batch=int(hyperparameters["batch"]),
        momentum=float(hyperparameters["momentum"]),
        l2=float(hyperparameters["l2"]),
        head_only=bool(hyperparameters["head_only"]),
        per_tensor_lr=rates or None,
        is_cosine=bool(hyperparameters["is_cosine"]),
        seed=seed,
        on_step=on_step,
    )


def train_arms(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Train every arm of a job and yield its report as it finishes; see the module for both.

    Raises:
        OSError: The data or the champion cannot be read: then no arm can be trained.
        KeyError: A field of the job is missing.
    """
    with np.load(job["data"], allow_pickle=False) as data:
        x, y = data["x"].astype(np.float32), data["y"].astype(np.int64)
    champion = _load(job["champion"])
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    for arm in job["arms"]:
        started = time.perf_counter()
        losses: list[float] = []
        path = out / f"{arm['arm']}.safetensors"
        try:
            rows = latest(arm["hyperparameters"], x, y)
            weights = train_arm(
                arm["hyperparameters"],
                *rows,
                champion=champion,
                initial_weights=_load(arm.get("initial_weights")),
                seed=job["seed"],
                on_step=lambda _, loss, losses=losses: losses.append(round(loss, 6)),  # type: ignore[misc] # default binds the loop's list
            )
            save_file(weights, path)
        except _Failures as error:
            yield {"arm": arm["arm"], "error": f"{type(error).__name__}: {error}"}
            continue
        seconds = time.perf_counter() - started
        yield {"arm": arm["arm"], "path": str(path), "seconds": seconds, "rows": len(rows[1]), "loss_curve": losses}


def main(arguments: Sequence[str]) -> int:
    """Run the job in the file that is named; return 0 if at least one arm was trained."""
    job = json.loads(Path(arguments[0]).read_text())
    is_any_trained = False
    for report in train_arms(job):
        is_any_trained = is_any_trained or "path" in report
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
    return 0 if is_any_trained else 1


def _load(path: str | None) -> Weights | None:
    return None if path is None else load_file(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
