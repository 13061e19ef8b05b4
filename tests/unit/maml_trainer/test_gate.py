"""The gate before weights are published."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from homeostat.services.maml_trainer.publish.gate import MIN_TASKS, GateVerdict, judge

LOSSES = arrays(np.float64, 20, elements=st.floats(0, 10, width=32))
Losses = np.ndarray[Any, np.dtype[np.float64]]


def one(new: Losses, current: Losses | None, scratch: Losses | None = None, **trivial: Losses) -> GateVerdict:
    """Judge at one number of shots."""
    return judge(
        {1: new},
        None if current is None else {1: current},
        scratch=None if scratch is None else {1: scratch},
        trivial={name: {1: losses} for name, losses in trivial.items()},
    )


@given(new=LOSSES, current=LOSSES)
def test_only_a_lower_mean_loss_is_published(new: Losses, current: Losses) -> None:
    """Publishing implies a negative upper limit, which lies above the mean difference."""
    verdict = one(new, current)

    assert verdict.low <= verdict.mean_difference <= verdict.high
    assert verdict.publish == (verdict.high < 0)


@given(losses=LOSSES)
def test_equal_weights_are_not_published(losses: Losses) -> None:
    """Nothing replaces itself."""
    assert not one(losses, losses).publish


@given(new=LOSSES, current=LOSSES, bad=st.sampled_from([np.nan, np.inf, -np.inf]), at=st.integers(0, 19))
def test_one_loss_that_is_not_finite_refuses(new: Losses, current: Losses, bad: float, at: int) -> None:
    """A start that diverges on any held-out task is never published, even at minus infinity."""
    new[at] = bad

    verdict = one(new, current)

    assert (verdict.publish, verdict.reason) == (False, "new_not_finite")


@settings(max_examples=30)
@given(n=st.integers(2, MIN_TASKS - 1))
def test_few_tasks_are_no_evidence(n: int) -> None:
    """Below the least number of held-out tasks the normal interval is not to be trusted."""
    assert one(np.zeros(n), np.arange(1.0, n + 1)).reason == "too_few_tasks"


def test_a_clear_gain_is_published() -> None:
    """Lower on every task by about 1."""
    generator = np.random.default_rng(0)
    current = generator.uniform(1, 3, 30)

    verdict = one(current - generator.uniform(0.8, 1.2, 30), current)

    assert (verdict.publish, verdict.reason, verdict.n) == (True, "better_than_current", 30)


def test_the_first_weights_are_held_against_scratch() -> None:
    """With nothing published the reference is a fresh start, and it must be given."""
    scratch = np.linspace(1, 2, 12)

    assert one(scratch - 0.5, None, scratch).reason == "better_than_scratch"
    assert one(scratch + 0.5, None, scratch).reason == "not_better_than_scratch"
    with pytest.raises(ValueError, match="fresh start"):
        one(scratch, None)


def test_diverging_weights_do_not_defend_their_place() -> None:
    """If the published weights are not finite on a task, a fresh start is the reference, else what is trivial."""
    good, scratch = np.linspace(0.5, 1, 12), np.linspace(1, 2, 12)
    bad = np.full(12, np.nan)

    assert one(good, bad, scratch).reason == "better_than_scratch"
    assert one(good, bad, bad, constant=scratch).reason == "better_than_constant"
    assert one(scratch, bad, bad, constant=good).reason == "not_better_than_constant"
    assert one(good, bad).reason == "reference_not_finite"


def test_what_is_trivial_must_be_beaten_too() -> None:
    """Better than a fresh start that diverges is not enough; the reason names what is better, the worst first."""
    new, scratch = np.linspace(5, 6, 12), np.full(12, 1e6)

    assert one(new, None, scratch, constant=new + 1, linear=new + 1).publish
    assert one(new, None, scratch, constant=new, linear=new + 1).reason == "not_better_than_constant"
    assert one(new, None, scratch, constant=new - 1, linear=new - 2).reason == "not_better_than_linear"
    assert one(new, new + 1, None, constant=new - 1).reason == "not_better_than_constant"


def test_one_number_of_shots_is_enough_to_be_worth_something() -> None:
    """The verdict says at which; what is there is beaten on average, so that nothing is lost at the others."""
    flat = np.linspace(1, 2, 12)
    new = {1: flat, 5: flat - 0.5, 10: flat - 0.9}

    verdict = judge(
        new,
        dict.fromkeys(new, flat + 0.1),
        trivial={"constant": dict.fromkeys(new, flat - 0.2), "linear": {1: flat - 0.8, 5: flat - 0.3, 10: flat - 0.3}},
    )

    assert (verdict.publish, verdict.reason, verdict.shots) == (True, "better_than_current", (5, 10))
    assert verdict.mean_difference == pytest.approx(-0.1 - 1.4 / 3)
    worse_at_one = judge(new, {1: flat - 2.0, 5: flat, 10: flat}, trivial={"constant": dict.fromkeys(new, flat + 9)})
    assert worse_at_one.reason == "not_better_than_current"


def test_losses_of_different_tasks_do_not_compare() -> None:
    """Another number of tasks or of shots is a mistake of the caller."""
    with pytest.raises(ValueError, match="different tasks"):
        one(np.zeros(12), np.zeros(13))
    with pytest.raises(ValueError, match="or shots"):
        judge({1: np.zeros(12)}, {5: np.zeros(12)})


def test_no_gain_is_published_about_as_rarely_as_stated() -> None:
    """Of 4,000 candidates no better than the current weights, 30 tasks each, at most 3.8 % pass.

    A two-sided 95 % normal interval leaves 3.0 % below (Student's t with 29 degrees); + 3 standard errors.
    """
    differences = np.random.default_rng(0).standard_normal((4000, 30))

    share = np.mean([one(row, np.zeros(30)).publish for row in differences])

    assert share < 0.038


def test_many_numbers_of_shots_do_not_make_chance_a_gain() -> None:
    """No better than a constant at any of five: at most 5.1 % pass, though there are five to choose from.

    A normal interval of 99 % leaves .76 % below (Student's t with 29 degrees); five times that, + 3 standard errors.
    """
    generator = np.random.default_rng(0)
    shots = (1, 2, 3, 4, 5)

    def is_published() -> bool:
        new = {k: generator.standard_normal(30) for k in shots}
        zero = {k: np.zeros(30) for k in shots}
        return judge(new, None, scratch={k: np.full(30, 9.0) for k in shots}, trivial={"constant": zero}).publish

    assert np.mean([is_published() for _ in range(2000)]) < 0.051
