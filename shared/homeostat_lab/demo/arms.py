"""The adaptations of the demo: what a family registers, what baselines use, what the recipe trains."""

from collections.abc import Mapping
from typing import Final

Scalar = bool | int | float | str

SKIP: Final = "skip"
DEFAULT: Final = "warm_high"
"""What somebody without a learner uses after a drift."""

_SGD: Final[Mapping[str, Scalar]] = {"batch": 64, "momentum": 0.9, "l2": 1e-4, "head_only": False, "is_cosine": True}

ARMS: Final[Mapping[str, Mapping[str, Scalar]]] = {
    SKIP: {},
    "warm_low": {**_SGD, "start": "champion", "rows": 80, "lr": 0.02, "steps": 60},
    "warm_high": {**_SGD, "start": "champion", "rows": 80, "lr": 0.1, "steps": 60},
    "head_only": {**_SGD, "start": "champion", "rows": 80, "lr": 0.1, "steps": 60, "head_only": True},
    # As in meta-training: whole set, no momentum, the learned step sizes as they are.
    "maml": {
        "start": "initial_weights",
        "rows": 40,
        "lr": 1.0,
        "steps": 20,
        "batch": 40,
        "momentum": 0.0,
        "l2": 0.0,
        "head_only": False,
        "is_cosine": False,
    },
    "scratch": {**_SGD, "start": "random", "rows": 80, "lr": 0.1, "steps": 200},
}
"""By name, all that training it needs. `start` is champion, initial_weights or random; `rows` are the latest ones."""
