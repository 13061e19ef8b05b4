"""Adaptation without a gradient step: the last layer's posterior, given the support set.

The weights of the last layer have a normal prior: mean = the network's own last layer, a variance per
feature and one for the bias, learned with the features. Rows are observed with a learned noise. All
of it is exact linear algebra in the number of support rows: finite features cannot diverge.

Source: Harrison et al. 2018 (ALPaCA) for regression; Bertinetto et al. 2019 (R2-D2) for classes, as
regression on their indicators, with a learned scale before the softmax.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.meta.algorithms import BIAS_VARIANCE, NOISE, SCALE, WEIGHT_VARIANCE
from homeostat.services.maml_trainer.meta.network import Network


class Posterior(NamedTuple):
    """Of the last layer after a support set.

    Args:
        weight: Mean (…, features, out), to be used in place of the last layer's.
        bias: Mean (…, out).
        factor: Cholesky factor (…, n, n) of the support rows' covariance.
        cross: Rows times prior variance (…, n, features + 1).
    """

    weight: Tensor
    bias: Tensor
    factor: Tensor
    cross: Tensor


def posterior(
    network: Network,
    params: Params,
    inner: Params,
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    is_classification: bool,
) -> Posterior:
    """Condition the last layer on support rows.

    Args:
        network: Whose last layer.
        params: Its tensors.
        inner: The rule's numbers.
        features: Of the support rows (…, n, f).
        targets: (…, n, out): one-hot, or numbers.
        weights: (…, n) of 0 and 1.
        is_classification: Then targets are centred indicators and the result is scaled to logits.

    Returns:
        NaN throughout for an episode whose features are not finite.
    """
    rows = _with_one(features) * weights.unsqueeze(-1)
    variance = torch.cat([inner[WEIGHT_VARIANCE], inner[BIAS_VARIANCE].reshape(1)])
    has_own_mean = network.n_outputs == targets.shape[-1]
    mean = _head(network, params) if has_own_mean else None  # a column shared by all classes would cancel out
    wanted = targets - 1 / targets.shape[-1] if is_classification else targets
    residual = wanted * weights.unsqueeze(-1)
    if mean is not None:
        residual = residual - rows @ mean
    cross = rows * variance
    covariance = cross @ rows.mT
    covariance = covariance + inner[NOISE] * torch.eye(rows.shape[-2], dtype=rows.dtype, device=rows.device)
    # One episode must not end the judgement of the others: what has no factor is not a number, and the caller checks.
    factor, failed = torch.linalg.cholesky_ex(covariance)
    factor = torch.where((failed > 0)[..., None, None], torch.nan, factor)
    head = cross.mT @ torch.cholesky_solve(residual, factor)
    if mean is not None:
        head = head + mean
    if is_classification:
        head = head * inner[SCALE]
    return Posterior(head[..., :-1, :], head[..., -1, :], factor, cross)


def predictive_loss(
    network: Network,
    params: Params,
    inner: Params,
    features: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor],
    weights: tuple[Tensor, Tensor],
) -> Tensor:
    """Average, per episode, the negative log predictive density of the query targets, without its constant.

    Computed in float64: where the noise is learned away, the spread is a small difference of large numbers, and float32
    has been seen to lose it all (sinusoids, 10 shots, after 6,400 steps).

    Args:
        network: Whose last layer.
        params: Its tensors.
        inner: The rule's numbers.
        features: Of support (…, n, f) and query rows (…, m, f).
        targets: Numbers (…, n, out) and (…, m, out).
        weights: (…, n) and (…, m) of 0 and 1.
    """
    dtype = features[0].dtype
    params, inner = ({name: value.double() for name, value in one.items()} for one in (params, inner))
    features, targets, weights = ((a.double(), b.double()) for a, b in (features, targets, weights))
    found = posterior(network, params, inner, features[0], targets[0], weights[0], is_classification=False)
    rows = _with_one(features[1])
    variance = torch.cat([inner[WEIGHT_VARIANCE], inner[BIAS_VARIANCE].reshape(1)])
    seen = torch.linalg.solve_triangular(found.factor, found.cross @ rows.mT, upper=False).square().sum(-2)
    # What rounding makes negative is nothing: no posterior variance is below 0.
    left = ((rows.square() * variance).sum(-1) - seen).clamp_min(0.0)
    spread = left + inner[NOISE]
    error = targets[1] - (features[1] @ found.weight + found.bias.unsqueeze(-2))
    loss = (error.square() / spread.unsqueeze(-1) + spread.log().unsqueeze(-1)).mean(-1) / 2
    mean: Tensor = (weights[1] * loss).sum(-1) / weights[1].sum(-1)
    return mean.to(dtype)


def _with_one(features: Tensor) -> Tensor:
    return torch.cat([features, torch.ones_like(features[..., :1])], dim=-1)


def _head(network: Network, params: Params) -> Tensor:
    weight, bias = network.head
    return torch.cat([params[weight], params[bias].unsqueeze(-2)], dim=-2)
