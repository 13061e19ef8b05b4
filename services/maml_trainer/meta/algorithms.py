"""The one switch between the algorithms: what adaptation to a task may change, and how.

What a rule learns beside the weights are positive numbers by name: `lr.<tensor>`, the step size of a
tensor (0-d) or of each of its numbers, or `prior.*` of the closed form. Which tensors have a step
size decides which ones adapt; those that are frozen have none.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.meta.network import Network

Algorithm = Literal["maml", "fomaml", "anil", "reptile", "meta_sgd", "bayesian_last_layer"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)

LR: Final = "lr."
PRIOR: Final = "prior."
_LOG: Final = "log."

NOISE: Final = PRIOR + "noise"
SCALE: Final = PRIOR + "scale"
WEIGHT_VARIANCE: Final = PRIOR + "weight_variance"
BIAS_VARIANCE: Final = PRIOR + "bias_variance"

NOISE_FLOOR: Final = 1e-6
"""Of the noise, in standard units: keeps the factorisation positive in float32 when the noise is learned away."""

_INITIAL_NOISE: Final = 0.1
# Softmax of regressed indicators: their gaps are below 1, so they are stretched. MetaParameters from there.
_INITIAL_SCALE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Rule:
    """An inner rule.

    Args:
        algorithm: Which.
        inner_steps: Gradient steps on the support set, >= 0; without meaning for the closed form.
    """

    algorithm: Algorithm
    inner_steps: int = 5

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS or self.inner_steps < 0:
            raise ValueError(f"one of {', '.join(ALGORITHMS)} and steps >= 0 are needed: {self}")

    @property
    def is_closed_form(self) -> bool:
        """Whether adaptation solves for the last layer instead of descending."""
        return self.algorithm == "bayesian_last_layer"

    @property
    def is_first_order(self) -> bool:
        """Whether the inner gradients count as constants."""
        return self.algorithm in ("fomaml", "reptile")

    def initial(self, network: Network, params: Params, rate: float) -> Params:
        """Make what the rule learns beside the weights, before it has learned anything.

        Args:
            network: Whose.
            params: Its tensors.
            rate: First step size of every tensor, > 0.
        """
        if self.is_closed_form:
            dtype, n = params[network.head[0]].dtype, network.backbone.n_features
            return {
                WEIGHT_VARIANCE: torch.full((n,), 1 / n, dtype=dtype),
                BIAS_VARIANCE: torch.tensor(1.0, dtype=dtype),
                NOISE: torch.tensor(_INITIAL_NOISE, dtype=dtype),
                SCALE: torch.tensor(_INITIAL_SCALE, dtype=dtype),
            }
        adapting = tuple(name for name in params if name not in network.backbone.frozen)
        names = network.head if self.algorithm == "anil" else adapting
        if self.algorithm == "meta_sgd":
            return {LR + name: torch.full_like(params[name], rate) for name in names}
        return {LR + name: torch.tensor(rate, dtype=params[name].dtype) for name in names}


def join(params: Params, inner: Params) -> Params:
    """Make meta-parameters: the inverse of `split`. Logs keep positive numbers positive."""
    return {**params, **{_LOG + name: _above_floor(name, value).log() for name, value in inner.items()}}


def split(meta: Params) -> tuple[Params, Params]:
    """Separate meta-parameters into tensors of the network and the rule's positive numbers."""
    params = {name: value for name, value in meta.items() if not is_log(name)}
    positive = {name.removeprefix(_LOG): value.exp() for name, value in meta.items() if is_log(name)}
    if NOISE in positive:
        positive[NOISE] = positive[NOISE] + NOISE_FLOOR
    return params, positive


def _above_floor(name: str, value: Tensor) -> Tensor:
    return (value - NOISE_FLOOR).clamp_min(NOISE_FLOOR**2) if name == NOISE else value


def is_log(name: str) -> bool:
    """Whether a meta-parameter is the logarithm of a rule's number."""
    return name.startswith(_LOG)
