"""Whether more rows pay: learned in one pass from curves, and never from what was not known yet."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.training_advisor.curves import SIZES, curves, question, result, run

from homeostat.codec import decode_state, encode_state
from homeostat.events import EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.services.training_advisor.learning_curves import N_CONFIGURATIONS, N_TASKS, LearningCurves, slot_of
from homeostat.services.training_advisor.sample_size_advisor import LEAST_GAIN, SampleSizeAdvisor


@cache
def lesson(n_tasks: int) -> bytes:
    """All runs of the first data sets, as a snapshot."""
    benefit = SampleSizeAdvisor()
    for episode in curves(n_tasks):
        benefit.update(episode)
    return encode_state(benefit)


def taught(n_tasks: int) -> SampleSizeAdvisor:
    """A learner that has seen them."""
    return decode_state(lesson(n_tasks), SampleSizeAdvisor)


def begun(benefit: SampleSizeAdvisor, task: int, learner: int, until: int) -> SampleSizeAdvisor:
    """The same, having seen the small runs of one more curve."""
    for rows in SIZES:
        if rows <= until:
            benefit.update(run(task, learner, rows))
    return benefit


def test_it_tells_curves_that_rise_from_those_that_are_done() -> None:
    """On new data sets a rising curve is more likely to gain a point than a flat one, and usually rightly."""
    benefit = taught(12)
    stated, came = [], []
    for task in range(12, 18):
        for learner in range(4):
            for anchor, target in ((128, 256), (256, 1024), (512, 1024), (724, 1448)):
                begun(benefit, task, learner, anchor)
                (option,) = benefit.answer(question(task, learner, target)).options
                stated.append(option.probability)
                came.append(result(task, learner, target) - result(task, learner, anchor) > LEAST_GAIN)

    right = np.mean([(p > 0.5) == y for p, y in zip(stated, came, strict=True)])
    assert right > max(0.8, float(np.mean(came)) + 0.1, 1.1 - float(np.mean(came)))


def test_the_interval_holds_nine_of_ten_results() -> None:
    """On data sets that come after it has settled."""
    benefit, held = taught(12), []
    for task in range(12, 20):
        for learner in range(4):
            begun(benefit, task, learner, 256)
            (option,) = benefit.answer(question(task, learner, 512)).options
            held.append(option.low <= result(task, learner, 512) <= option.high)
            assert option.low <= option.expected <= option.high

    assert 0.75 <= np.mean(held) <= 1.0


def test_asking_changes_nothing() -> None:
    """An answer leaves the state as it was, and is the same again."""
    benefit = begun(taught(2), 2, 0, 256)
    before = encode_state(benefit)

    first = benefit.answer(question(2, 0, 512, 1024))

    assert benefit.answer(question(2, 0, 512, 1024)) == first
    assert encode_state(benefit) == before


def test_a_snapshot_in_mid_curve_changes_nothing() -> None:
    """Through the codec after every run, the answers are those of a learner that never stopped."""
    straight = begun(taught(2), 2, 1, 362)
    resumed = SampleSizeAdvisor()
    for episode in curves(2):
        resumed.update(episode)
    for rows in SIZES:
        if rows <= 362:
            resumed = decode_state(encode_state(resumed), SampleSizeAdvisor)
            resumed.update(run(2, 1, rows))

    assert encode_state(resumed) == encode_state(straight)


def test_the_answer_names_the_growth_asked_for() -> None:
    """Best result first; the gain is over the curve's own last run; what was run already gains nothing."""
    benefit = begun(taught(4), 7, 2, 256)

    given_ = benefit.answer(question(7, 2, 256, 512, 1024))

    by_rows = {option.rows: option for option in given_.options}
    expected = [option.expected for option in given_.options]
    assert expected == sorted(expected, reverse=True)
    assert by_rows[256].gain == by_rows[256].probability == 0.0
    for rows in (512, 1024):
        assert by_rows[rows].expected - by_rows[rows].gain == pytest.approx(by_rows[256].expected)
    assert given_.n_tasks == 4


def test_nothing_is_known_of_a_curve_that_has_not_begun() -> None:
    """Before the first run and for an unknown configuration: a wide interval and no promise."""
    for benefit in (SampleSizeAdvisor(), taught(1)):
        (option,) = benefit.answer(question(99, 0, 512)).options

        assert option.probability == option.gain == 0.0
        assert option.high - option.low > 0.1


def test_other_learners_on_the_data_set_are_heard() -> None:
    """What neighbours gained on the same data set moves the answer."""
    alone, beside = begun(taught(4), 8, 0, 256), taught(4)
    for rows in SIZES:
        beside.update(run(8, 1, rows))
    begun(beside, 8, 0, 256)

    (lonely,) = alone.answer(question(8, 0, 512)).options
    (advised,) = beside.answer(question(8, 0, 512)).options

    assert lonely.gain != advised.gain


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 2),
            st.integers(0, 10**12),
            st.floats(-1e30, 1e30),
        ),
        max_size=25,
    )
)
def test_wild_numbers_break_nothing(told: list[tuple[int, int, int, float]]) -> None:
    """Any order of sizes, any result: the answers stay finite and probabilities stay ratios."""
    benefit = SampleSizeAdvisor()
    for task, learner, rows, value in told:
        configuration = f"c{learner}"
        episode = EpisodeRecorded(
            episode="e", task=f"t{task}", configuration=configuration, rows=rows, result=value, seconds=1.0
        )
        benefit.update(episode)

    options = tuple(Option(configuration=f"c{c}", rows=n) for c in range(3) for n in (0, 100, 10**9))
    given_ = benefit.answer(question(0, 0, 1).model_copy(update={"options": options}))

    assert all(np.isfinite([option.expected, option.low, option.high, option.gain]).all() for option in given_.options)
    assert all(0.0 <= option.probability <= 1.0 for option in given_.options)


def test_memory_is_bounded() -> None:
    """The tasks longest silent leave, and the oldest curves of a task."""
    memory = LearningCurves()
    for n in range(N_TASKS + 10):
        memory.record(f"t{n}", "c", 14, 0.5)
        memory.record("often", "c", 14, 0.5)
    for n in range(N_CONFIGURATIONS + 10):
        memory.record("often", f"c{n}", 14, 0.5)

    assert len(memory.tasks) == N_TASKS
    assert "t0" not in memory.tasks
    assert memory.tasks["often"].names[-1] == f"c{N_CONFIGURATIONS + 9}"
    assert len(memory.tasks["often"].names) == len(memory.tasks["often"].levels) == N_CONFIGURATIONS


@given(st.integers(1, 2**22))
def test_slots_are_half_octaves(rows: int) -> None:
    """Twice the rows are two slots more; a slot is never further than a quarter octave away."""
    assert abs(slot_of(2 * rows) - slot_of(rows) - 2) <= (0 if rows > 4 else 1)
    assert abs(2.0 * np.log2(rows) - slot_of(rows)) <= 0.5 + 1e-9
