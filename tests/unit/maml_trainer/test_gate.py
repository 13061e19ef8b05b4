"""The gate before weights are published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maml_trainer.gate import MIN_TASKS, judge

LOSSES = arrays(np.float64, 20, elements=st.floats(0, 10, width=32))


@given(new=LOSSES, current=LOSSES)
def test_only_a_lower_mean_loss_is_published(new: np.ndarray, current: np.ndarray) -> None:
    """Publishing implies a negative upper limit, which lies above the mean difference."""
    verdict = judge(new, current)

    assert verdict.low <= verdict.mean_difference <= verdict.high
    assert verdict.publish == (verdict.high < 0)


@given(losses=LOSSES)
def test_equal_weights_are_not_published(losses: np.ndarray) -> None:
    """Nothing replaces itself."""
    assert not judge(losses, losses).publish


@given(new=LOSSES, current=LOSSES, bad=st.sampled_from([np.nan, np.inf, -np.inf]), at=st.integers(0, 19))
def test_one_loss_that_is_not_finite_refuses(new: np.ndarray, current: np.ndarray, bad: float, at: int) -> None:
    """A start that diverges on any held-out task is never published, even at minus infinity."""
    new[at] = bad

    verdict = judge(new, current)

    assert (verdict.publish, verdict.reason) == (False, "new_not_finite")


@settings(max_examples=30)
@given(n=st.integers(2, MIN_TASKS - 1))
def test_few_tasks_are_no_evidence(n: int) -> None:
    """Below the least number of held-out tasks the normal interval is not to be trusted."""
    assert judge(np.zeros(n), np.arange(1.0, n + 1)).reason == "too_few_tasks"


def test_a_clear_gain_is_published() -> None:
    """Lower on every task by about 1."""
    generator = np.random.default_rng(0)
    current = generator.uniform(1, 3, 30)

    verdict = judge(current - generator.uniform(0.8, 1.2, 30), current)

    assert (verdict.publish, verdict.reason, verdict.n) == (True, "better_than_current", 30)


def test_the_first_weights_are_held_against_scratch() -> None:
    """With nothing published the reference is a fresh start, and it must be given."""
    scratch = np.linspace(1, 2, 12)

    assert judge(scratch - 0.5, None, scratch_losses=scratch).reason == "better_than_scratch"
    assert judge(scratch + 0.5, None, scratch_losses=scratch).reason == "not_better_than_scratch"
    with pytest.raises(ValueError, match="fresh start"):
        judge(scratch, None)


def test_diverging_current_weights_do_not_defend_their_place() -> None:
    """If the published weights are not finite on a task, a fresh start is the reference, else nothing is."""
    good, scratch = np.linspace(0.5, 1, 12), np.linspace(1, 2, 12)
    current = np.full(12, np.nan)

    assert judge(good, current, scratch_losses=scratch).reason == "better_than_scratch"
    assert judge(good, current).reason == "reference_not_finite"


def test_losses_of_different_tasks_do_not_compare() -> None:
    """Another number of tasks is a mistake of the caller."""
    with pytest.raises(ValueError, match="different tasks"):
        judge(np.zeros(12), np.zeros(13))


def test_no_gain_is_published_about_as_rarely_as_stated() -> None:
    """Of 4,000 candidates no better than the current weights, 30 tasks each, at most 3.8 % pass.

    A two-sided 95 % normal interval leaves 3.0 % below (Student's t with 29 degrees); + 3 standard errors.
    """
    differences = np.random.default_rng(0).standard_normal((4000, 30))

    share = np.mean([judge(row, np.zeros(30)).publish for row in differences])

    assert share < 0.038
