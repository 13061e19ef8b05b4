"""Row-weighted losses. A weight of 0 makes a padded row vanish from value and gradient.

Leading dimensions are kept: one episode gives a 0-d loss, a stack of t episodes a loss each.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the negative log likelihood.

    One-hot targets instead of labels: no gather, hence no atomic scatter in the backward pass on a GPU.

    Args:
        outputs: Logits (…, n, c).
        targets: One-hot (…, n, c), of the dtype of the outputs.
        weights: (…, n), >= 0, with a positive sum.

    Returns:
        (…), in nats.
    """
    rows = -(targets * torch.log_softmax(outputs, dim=-1)).sum(-1)
    return (weights * rows).sum(-1) / weights.sum(-1)


def squared_error(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the squared error.

    Args:
        outputs: (…, n, d).
        targets: Real, (…, n, d).
        weights: (…, n), >= 0, with a positive sum.
    """
    rows = (outputs - targets).square().mean(-1)
    return (weights * rows).sum(-1) / weights.sum(-1)


def accuracy(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average how often the largest logit is the label's, in [0, 1].

    Args:
        outputs: Logits (…, n, c).
        targets: One-hot (…, n, c).
        weights: (…, n), >= 0, with a positive sum.
    """
    hits = (outputs.argmax(-1) == targets.argmax(-1)).to(weights.dtype)
    return (weights * hits).sum(-1) / weights.sum(-1)
