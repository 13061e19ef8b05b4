"""Linear systems: the same answers as LAPACK's, without it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.cholesky import factorise, half_solved, solve, solve_lower


def matrix(seed: int, k: int) -> np.ndarray:
    half = np.random.default_rng(seed).normal(size=(k, k))
    return half @ half.T + 0.1 * np.eye(k)


@given(seed=st.integers(0, 10_000), k=st.integers(0, 12), m=st.integers(1, 4))
def test_a_solution_solves_the_system(seed: int, k: int, m: int) -> None:
    """What comes out, put in, gives the right side."""
    a, right = matrix(seed, k), np.random.default_rng(seed + 1).normal(size=(k, m))

    x = solve(factorise(a), right)

    assert a @ x == pytest.approx(right, abs=1e-7)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 12))
def test_the_factor_is_the_one_of_lapack(seed: int, k: int) -> None:
    """The Cholesky factor of a positive matrix is unique, and half a solution is its inverse times the right side."""
    a = matrix(seed, k)

    root = factorise(a)

    assert root == pytest.approx(np.linalg.cholesky(a), abs=1e-9)
    assert root @ solve_lower(root, a) == pytest.approx(a, abs=1e-9)


def test_a_direction_without_spread_is_left_out() -> None:
    """A singular system is solved in the directions it has."""
    a = np.ones((3, 3))

    x = solve(factorise(a), np.ones((3, 1)))

    assert a @ x == pytest.approx(np.ones((3, 1)))


def test_root_of_a_singular_matrix_has_empty_columns() -> None:
    """A direction without spread gets none: the root still gives the matrix back."""
    basis = np.random.default_rng(3).normal(size=(6, 3))
    a = basis @ basis.T

    root = factorise(a)

    assert root @ root.T == pytest.approx(a, abs=1e-9)
    assert (np.abs(root).sum(axis=0) > 0).sum() == 3


@given(seed=st.integers(0, 1000), k=st.integers(1, 6))
def test_a_stack_is_solved_as_its_members_are(seed: int, k: int) -> None:
    """To the bit: nothing goes from one matrix to another."""
    members = [matrix(seed + i, k) for i in range(3)]
    right = np.random.default_rng(seed).normal(size=(3, k, 2))

    x = solve(factorise(np.stack(members)), right)

    for member, own, found in zip(members, right, x, strict=True):
        assert np.array_equal(solve(factorise(member), own), found)


@given(seed=st.integers(0, 1000), k=st.integers(1, 6))
def test_one_pass_gives_what_two_do(seed: int, k: int) -> None:
    """Factor and solution at once."""
    a = np.stack([matrix(seed + i, k) for i in range(2)])
    right = np.random.default_rng(seed).normal(size=(2, k, 3))

    assert half_solved(a, right) == pytest.approx(solve_lower(factorise(a), right), rel=1e-7, abs=1e-7)
