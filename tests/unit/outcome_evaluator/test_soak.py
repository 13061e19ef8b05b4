"""A step of a canary lasts as long as it must in labels and in time; what harms is not waited for."""

from collections.abc import Sequence

import pytest
from tests.unit.outcome_evaluator.bench import ACTION, PLAN, Bench

from homeostat.core import Emit
from homeostat.events import CanaryJudged, ClockTicked

HOUR_MS = 3_600_000
SLOW = PLAN.model_copy(update={"soak_seconds": 3_600.0})


@pytest.fixture
def bench() -> Bench:
    """A canary that must soak for an hour and 20 labels."""
    bench = Bench()
    bench.now = 10**12
    bench.serve(plan=SLOW)
    return bench


def judgements(emits: Sequence[Emit]) -> list[str]:
    """What was judged."""
    return [emit.data.judgement for emit in emits if isinstance(emit.data, CanaryJudged)]


def tick(bench: Bench) -> list[str]:
    """Let the time come that it waits for."""
    due = bench.fold.wake_at(bench.state)
    assert due is not None
    bench.now = due
    return judgements(bench.tell(ClockTicked(due=due)))


def test_labels_alone_do_not_end_a_step(bench: Bench) -> None:
    """The clock does, once: there is nothing to wait for after it."""
    began = bench.now
    assert judgements(bench.rounds(40, v0=1.0)) == []

    assert tick(bench) == ["promote"]

    assert bench.now == (began or 0) + HOUR_MS
    assert bench.fold.wake_at(bench.state) is None


def test_time_alone_does_not_end_a_step(bench: Bench) -> None:
    """Nothing wakes it before the labels are there; the first one that suffices is enough."""
    assert bench.fold.wake_at(bench.state) is None
    assert bench.now is not None
    bench.now += 2 * HOUR_MS

    assert judgements(bench.rounds(19, v0=1.0)) == []
    assert judgements(bench.rounds(1, v0=1.0)) == ["promote"]


def test_what_harms_is_aborted_at_once(bench: Bench) -> None:
    """A soak is for what looks good."""
    assert judgements(bench.rounds(15, warm=1.0)) == ["abort"]


def test_a_look_that_says_nothing_yet_is_followed_by_labels(bench: Bench) -> None:
    """The clock asks once; no hint either way, so it goes on with what comes."""
    bench.rounds(30)
    assert tick(bench) == []
    assert bench.fold.wake_at(bench.state) is None

    assert judgements(bench.rounds(20, v0=1.0))[:1] in (["continue"], ["promote"])


def test_each_step_soaks_anew_and_a_command_that_is_set_again_is_no_step(bench: Bench) -> None:
    """A hand that failed and was asked again does not begin the hour again."""
    bench.rounds(40, v0=1.0)
    assert bench.now is not None
    bench.now += HOUR_MS // 2
    bench.serve(plan=SLOW)
    assert bench.fold.wake_at(bench.state) == 10**12 + HOUR_MS
    tick(bench)

    bench.serve(plan=SLOW, step=1)
    began = bench.now
    bench.rounds(20, v0=1.0)

    assert bench.fold.wake_at(bench.state) == began + HOUR_MS
    assert bench.state.trials[ACTION].step == 1


def test_a_plan_without_a_soak_in_time_never_wakes_anybody() -> None:
    """As before."""
    bench = Bench()
    bench.serve()

    assert judgements(bench.rounds(20, v0=1.0)) == ["promote"]
    assert bench.fold.wake_at(bench.state) is None
