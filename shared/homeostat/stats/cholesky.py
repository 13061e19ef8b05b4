"""Linear systems of symmetric matrices, solved in one fixed order of operations; stacks of them at once.

Without LAPACK, which chooses its order of summation by processor. A pivot that is no more than rounding is taken for
zero: its direction is known.
"""

from typing import Final

import numpy as np

from homeostat.stats.portable import FloatArray

_RANK_TOLERANCE: Final = 1e-14
"""A pivot below this share of its diagonal is rounding."""


def factorise(matrix: FloatArray) -> FloatArray:
    """Return lower triangular L with L L^T = matrix, (..., k, k), symmetric; columns of vanishing pivots are zero.

    Source: Golub and Van Loan 2013, algorithm 4.2.2 (outer product form).
    """
    root, rest = np.zeros_like(matrix), matrix.copy()
    for j in range(matrix.shape[-1]):
        pivot = rest[..., j, j]
        is_kept = pivot > _RANK_TOLERANCE * matrix[..., j, j]
        scale = np.sqrt(np.where(is_kept, pivot, 1.0))[..., None]
        column = np.where(is_kept[..., None], rest[..., j:, j] / scale, 0.0)
        root[..., j:, j] = column
        rest[..., j:, j:] -= column[..., :, None] * column[..., None, :]
    return root


def solve_lower(root: FloatArray, right: FloatArray) -> FloatArray:
    """Return x with root x = right; root (..., k, k) from `factorise`, right (..., k, m).

    Rows of zero pivots come out zero.
    """
    x, rest = np.zeros_like(right), right.copy()
    for j in range(root.shape[-1]):
        x[..., j, :] = _divided(rest[..., j, :], root[..., j, j])
        rest[..., j + 1 :, :] -= root[..., j + 1 :, j][..., None] * x[..., j, :][..., None, :]
    return x


def half_solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Return L^-1 right, with L L^T = matrix, in one pass over both; for matrices with no vanishing pivot.

    Args:
        matrix: (..., k, k), symmetric, positive definite.
        right: (..., k, m).
    """
    k = matrix.shape[-1]
    rest = np.concatenate([matrix, right], axis=-1)
    solved = np.empty_like(right)
    for j in range(k):
        row = rest[..., j, j:] / np.sqrt(rest[..., j, j])[..., None]
        solved[..., j, :] = row[..., k - j :]
        rest[..., j + 1 :, j:] -= row[..., 1 : k - j, None] * row[..., None, :]
    return solved


def solve(root: FloatArray, right: FloatArray) -> FloatArray:
    """Return x with (root root^T) x = right; root (..., k, k) from `factorise`, right (..., k, m)."""
    rest = solve_lower(root, right)
    x = np.zeros_like(rest)
    for j in range(root.shape[-1] - 1, -1, -1):
        x[..., j, :] = _divided(rest[..., j, :], root[..., j, j])
        rest[..., :j, :] -= root[..., j, :j][..., None] * x[..., j, :][..., None, :]
    return x


def _divided(row: FloatArray, pivot: FloatArray) -> FloatArray:
    is_kept = pivot > 0.0
    return np.where(is_kept[..., None], row / np.where(is_kept, pivot, 1.0)[..., None], 0.0)
