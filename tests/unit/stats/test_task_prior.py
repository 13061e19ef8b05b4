"""The prior learnt from earlier tasks, and what the first results of a new one make of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.stats.task_prior import TaskPrior, alike, completed

SEEDS = st.integers(0, 10_000)


def world(seed: int, n: int = 20, c: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Tasks that prefer one side of the only hyperparameter or the other, each with its own level and range."""
    generator = np.random.default_rng(seed)
    points = np.linspace(0.0, 1.0, c)[:, None]
    side = generator.normal(size=(n, 1))
    scores = side * (points[:, 0] - 0.5) + 0.02 * generator.normal(size=(n, c))
    return generator.uniform(0, 1, (n, 1)) + generator.uniform(0.1, 2.0, (n, 1)) * scores, points


@given(seed=SEEDS)
def test_the_level_and_range_of_tasks_do_not_matter(seed: int) -> None:
    """A task whose results are moved and stretched teaches the same."""
    results, points = world(seed)
    generator = np.random.default_rng(seed)
    moved = results * generator.uniform(0.1, 10.0, (len(results), 1)) + generator.normal(size=(len(results), 1))

    one, other = TaskPrior.of(results, points), TaskPrior.of(moved, points)

    assert one.mean == pytest.approx(other.mean, abs=1e-9)
    assert one.rest == pytest.approx(other.rest, abs=1e-9)


@given(seed=SEEDS)
def test_a_result_is_believed(seed: int) -> None:
    """Where a configuration was run, its result is expected, much surer than before."""
    results, points = world(seed)
    prior = TaskPrior.of(results[1:], points)
    tried = np.array([0, 7, 14])

    mean, sd = prior.outlook(tried, results[0, tried]).results()

    spread = np.ptp(results[0])
    assert mean[tried] == pytest.approx(results[0, tried], abs=0.15 * spread + 0.02)
    assert (sd[tried] < prior.outlook(tried[:0], results[0, :0]).results()[1][tried]).all()


def test_two_results_tell_which_side_a_task_prefers() -> None:
    """What is alike over earlier tasks is expected to do alike on the new one."""
    results, points = world(3, n=40)
    prior = TaskPrior.of(results[1:], points)
    tried = np.array([3, 11])

    mean, _ = prior.outlook(tried, results[0, tried]).results()

    assert np.corrcoef(mean, results[0])[0, 1] > 0.9


def test_conditioning_is_that_of_a_normal_distribution() -> None:
    """With one scale, the mixture is the textbook posterior of a Gaussian process."""
    results, points = world(5)
    prior = TaskPrior.of(results[1:], points)
    tried = np.array([2, 9])
    whole = prior.rest.T @ prior.rest / (len(prior.rest) + 5.0)
    whole += np.outer(prior.smooth_sd, prior.smooth_sd) * alike(points, np.arange(15))
    noise = 0.02 * np.mean(np.diag(whole)) * np.eye(2)

    outlook = prior.outlook(tried, results[0, tried])

    pull = np.linalg.solve(whole[np.ix_(tried, tried)] + noise, whole[tried])
    for low, span, mean in zip(outlook.low, outlook.span, outlook.mean, strict=True):
        expected = prior.mean + ((results[0, tried] - low) / span - prior.mean[tried]) @ pull
        assert mean == pytest.approx(expected, abs=1e-8)
    variance = np.diag(whole) - np.einsum("ij,ij->j", whole[tried], pull)
    assert outlook.sd == pytest.approx(np.sqrt(variance), abs=1e-8)
    assert outlook.weight.sum() == pytest.approx(1.0)


@given(seed=SEEDS, kept=st.integers(2, 14))
def test_gaps_are_no_obstacle(seed: int, kept: int) -> None:
    """Tasks of which only some configurations were run teach too; nothing comes out that is not a number."""
    results, points = world(seed)
    generator = np.random.default_rng(seed)
    for row in results:
        row[generator.permutation(len(row))[kept:]] = np.nan
    tried = np.array([0, 14])

    mean, sd = TaskPrior.of(results, points).outlook(tried, np.array([0.2, 0.7])).results()

    assert np.isfinite(mean).all()
    assert (sd > 0.0).all()


def test_a_search_that_ran_only_what_is_good_does_not_count_as_a_whole_task() -> None:
    """The least of a few good results is not the least of the task: the others say where it lies."""
    points = np.linspace(0.0, 1.0, 12)[:, None]
    whole = np.repeat(np.linspace(0.0, 1.0, 12)[None], 10, 0) + 0.01 * np.random.default_rng(0).normal(size=(10, 12))
    part = np.full((1, 12), np.nan)
    part[0, 9:] = whole[0, 9:]

    prior = TaskPrior.of(np.vstack([whole, part]), points)

    assert np.abs(prior.rest[-1, 9:]).max() < 0.2


def test_without_hyperparameters_a_configuration_is_like_itself_only() -> None:
    """Names alone say nothing about nearness."""
    assert alike(np.zeros((3, 0)), np.array([1])).tolist() == [[0.0, 1.0, 0.0]]


def test_a_gap_is_filled_by_level_and_usual_difference() -> None:
    """A task one higher than another has its missing result one higher."""
    filled = completed(np.array([[1.0, 2.0, 3.0], [2.0, 3.0, np.nan], [0.0, 1.0, 2.0]]))

    assert filled[1, 2] == pytest.approx(3.5)


@pytest.mark.parametrize("results", [np.zeros((0, 2)), np.zeros((1, 2)), np.zeros((1, 3)), np.full((2, 2), np.nan)])
def test_tasks_that_teach_nothing_are_refused(results: np.ndarray) -> None:
    """No task, no difference between results, or points of other configurations."""
    with pytest.raises(ValueError, match=r"task|expected"):
        TaskPrior.of(results, np.zeros((2, 0)))
