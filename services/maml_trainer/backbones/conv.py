"""Four strided convolutions, the small image network of the few-shot literature."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from homeostat.services.maml_trainer.backbones.base import Params

# Twice the filters at half the sides: on a CPU four times as many images a second as 64 filters
# throughout, most of whose time goes into the first, largest images.
FILTERS: Final = (16, 32, 64, 128)
_GROUPS: Final = 8


@dataclass(frozen=True, slots=True)
class Conv:
    """Blocks of 3x3 convolution with stride 2, GroupNorm and ReLU; what is left of the image is the features.

    GroupNorm, because `vmap` is exact through it (not through batch, layer and instance norm), and
    because it keeps rows apart: a query row's answer does not depend on the others.

    Args:
        image: Channels, height and width of a row's image, in that order of its numbers.
        filters: Of each block, multiples of 8; (64, 64, 64, 64) is the literature's.

    Source: Finn et al. 2017, section 5.2 (Omniglot, strided); Wu & He 2018 for the norm.
    """

    image: tuple[int, int, int]
    filters: tuple[int, ...] = FILTERS

    def __post_init__(self) -> None:
        if min(self.image) < 1 or not self.filters or any(n < 1 or n % _GROUPS for n in self.filters):
            raise ValueError(f"images need sides >= 1 and filters multiples of {_GROUPS}: {self}")

    @property
    def n_inputs(self) -> int:
        """See `Backbone`."""
        channels, height, width = self.image
        return channels * height * width

    @property
    def n_features(self) -> int:
        """See `Backbone`."""
        _, height, width = self.image
        for _ in self.filters:
            height, width = (height + 1) // 2, (width + 1) // 2
        return self.filters[-1] * height * width

    @property
    def n_layers(self) -> int:
        """See `Backbone`."""
        return len(self.filters)

    @property
    def is_stackable(self) -> bool:
        """See `Backbone`."""
        return False

    @property
    def frozen(self) -> frozenset[str]:
        """See `Backbone`."""
        return frozenset()

    def init(self, generator: np.random.Generator, dtype: torch.dtype) -> Params:
        """See `Backbone`. He's normal for the kernels."""
        params: Params = {}
        n_in = self.image[0]
        for block, n_out in enumerate(self.filters, start=1):
            kernel = generator.standard_normal((n_out, n_in, 3, 3)) * np.sqrt(2.0 / (9 * n_in))
            params[f"w{block}"] = torch.from_numpy(kernel).to(dtype)
            params[f"scale{block}"] = torch.ones(n_out, dtype=dtype)
            params[f"shift{block}"] = torch.zeros(n_out, dtype=dtype)
            n_in = n_out
        return params

    def features(self, params: Params, x: Tensor) -> Tensor:
        """See `Backbone`."""
        images = x.reshape(-1, *self.image)
        for block in range(1, len(self.filters) + 1):
            images = functional.conv2d(images, params[f"w{block}"], stride=2, padding=1)
            images = functional.group_norm(images, _GROUPS, params[f"scale{block}"], params[f"shift{block}"])
            images = torch.relu(images)
        return images.reshape(*x.shape[:-1], self.n_features)

    def describe(self) -> dict[str, Any]:
        """See `Backbone`."""
        return {"kind": "conv", "image": list(self.image), "filters": list(self.filters)}
