"""Bayesian linear regression of several arms that share what they have in common, from sums that can be taken back.

Payoff of arm a in context x: y = x·(w + v_a) + noise, with w ~ N(0, shared_sd^2 I) for all arms and v_a ~
N(0, own_sd^2 I) for each. All that observations leave is `Sums`: adding those of several sources is adding numbers, and
leaving one source out is as if it had never been seen. Given w the arms are independent, so all is d x d, stacked
over them.

Source: Gelman et al. 2013, chapter 15 (hierarchical linear models); the elimination is the Schur complement of the
arms.
"""

from dataclasses import dataclass

import numpy as np

from homeostat.stats.cholesky import half_solved
from homeostat.stats.keyed_rng import Draws
from homeostat.stats.portable import FloatArray, fixed_row_sums


@dataclass(slots=True, eq=False)
class Sums:
    """What the observations of one source say of k arms, in units of the noise.

    Attributes:
        products: (k, d, d) sums of x x^T.
        moments: (k, d) sums of x y.
        n: (k,) observations; not whole once they fade.
    """

    products: FloatArray
    moments: FloatArray
    n: FloatArray

    @classmethod
    def empty(cls, k: int, d: int) -> "Sums":
        """Return the sums of no observation."""
        return cls(np.zeros((k, d, d)), np.zeros((k, d)), np.zeros(k))

    def observe(self, arm: int, x: FloatArray, y: float) -> None:
        """Add one observation.

        Args:
            arm: Index.
            x: (d,) context.
            y: Outcome.

        Raises:
            ValueError: A number is not finite; nothing was changed.
        """
        if not (np.isfinite(x).all() and np.isfinite(y)):
            raise ValueError(f"observations are finite, got x={x}, {y=}")
        self.products[arm] += x[:, None] * x
        self.moments[arm] += x * y
        self.n[arm] += 1.0

    def fade(self, share: float) -> None:
        """Keep a share of every observation's weight, in (0, 1]."""
        self.products *= share
        self.moments *= share
        self.n *= share

    def capped(self, cap: float) -> "Sums":
        """Return the sums with no arm counting for more than `cap` observations; the directions stay."""
        return self.scaled(np.minimum(1.0, cap / np.maximum(self.n, cap)))

    def scaled(self, share: FloatArray) -> "Sums":
        """Return the sums with each arm's observations weighed by its share, (k,) in [0, 1]."""
        return Sums(self.products * share[:, None, None], self.moments * share[:, None], self.n * share)

    def add(self, more: "Sums") -> None:
        """Add what other observations say, of the same arms in the same order."""
        self.products += more.products
        self.moments += more.moments
        self.n += more.n

    def selected(self, rows: list[int]) -> "Sums":
        """Return the sums of some of the arms, in this order."""
        return Sums(self.products[rows], self.moments[rows], self.n[rows])

    def widened(self, k: int) -> "Sums":
        """Return the sums with further arms, unseen, behind the present ones."""
        more = k - len(self.n)
        empty = Sums.empty(more, self.moments.shape[1])
        return Sums(
            np.concatenate([self.products, empty.products]),
            np.concatenate([self.moments, empty.moments]),
            np.concatenate([self.n, empty.n]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Payoffs:
    """Joint posterior of x·(w + v_a) for all arms, normal.

    Attributes:
        mean: (k,).
        sd: (k,) standard deviations, without the noise of an observation.
        shared: (k, d) what the arms have in common, as factors of d independent normals.
        own: (k,) standard deviation of what they have not.
    """

    mean: FloatArray
    sd: FloatArray
    shared: FloatArray
    own: FloatArray

    def samples(self, draws: Draws, n: int) -> FloatArray:
        """Return n joint draws, (n, k); uses up n (d + k) normals."""
        k, d = self.shared.shape
        normals = draws.normal(n * (d + k)).reshape(n, d + k)
        common = fixed_row_sums(normals[:, None, :d] * self.shared)
        return self.mean + common + normals[:, d:] * self.own


def payoffs(sums: Sums, x: FloatArray, *, shared_sd: float, own_sd: float, noise_sd: float) -> Payoffs:
    """Condition on all observations.

    Args:
        sums: Of every source that counts.
        x: (d,) context.
        shared_sd: Prior standard deviation of each weight of w, > 0.
        own_sd: The same of each weight of v_a, > 0.
        noise_sd: Standard deviation of one observation, > 0.
    """
    d = len(x)
    per_noise = 1.0 / (noise_sd * noise_sd)
    products, moments = sums.products * per_noise, sums.moments * per_noise
    right = np.concatenate([products, moments[:, :, None], np.broadcast_to(x[:, None], (len(products), d, 1))], axis=2)
    solved = half_solved(products + np.eye(d) / (own_sd * own_sd), right)
    of_products, of_moments, of_x = solved[:, :, :d], solved[:, :, d], solved[:, :, d + 1]
    # What an arm says of w, once its own v_a is integrated out.
    said = products - _columns_dot(of_products, of_products)
    told = moments - _columns_dot(of_products, of_moments[:, :, None])[:, :, 0]
    known = np.eye(d) / (shared_sd * shared_sd) + np.add.accumulate(said, axis=0)[-1]
    rests = x - _columns_dot(of_products, of_x[:, :, None])[:, :, 0]
    common = half_solved(known, np.concatenate([np.add.accumulate(told, axis=0)[-1][:, None], rests.T], axis=1))
    shared = common[:, 1:].T
    own = fixed_row_sums(of_x * of_x)
    mean = fixed_row_sums(of_x * of_moments) + fixed_row_sums(shared * common[:, 0])
    return Payoffs(mean, np.sqrt(own + fixed_row_sums(shared * shared)), np.ascontiguousarray(shared), np.sqrt(own))


def _columns_dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return A^T B for stacked (k, d, m) and (k, d, l), summed over d in its order."""
    total: FloatArray = np.add.accumulate(a[:, :, :, None] * b[:, :, None, :], axis=1)[:, -1]
    return total
