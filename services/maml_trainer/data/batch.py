"""A meta-step's worth of episodes, stacked."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """t episodes: x (t, n, d), targets (t, n, out), weights (t, n) of 0 and 1; a row of weight 0 is padding.

    Inside `vmap` the same names hold one episode, without the first dimension.
    """

    support_x: Tensor
    support_y: Tensor
    support_weight: Tensor
    query_x: Tensor
    query_y: Tensor
    query_weight: Tensor

    @property
    def support(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows to adapt on."""
        return self.support_x, self.support_y, self.support_weight

    @property
    def query(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows to be judged on."""
        return self.query_x, self.query_y, self.query_weight

    def part(self, first: int, last: int) -> "Batch":
        """Episodes `first` to `last`, exclusive."""
        return Batch(*(tensor[first:last] for tensor in self))
