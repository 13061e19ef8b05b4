"""How long a training takes: from its own curve where there is one, else from what it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.training_advisor.curves import SIZES, curves, question, run, seconds

from homeostat.codec import decode_state, encode_state
from homeostat.events import AdviceRequested, EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.services.training_advisor.descriptors import N_NAMES, Descriptors
from homeostat.services.training_advisor.training_time_advisor import TrainingTimeAdvisor
from homeostat.stats import Draws


def taught(n_tasks: int) -> TrainingTimeAdvisor:
    """All runs of the first data sets."""
    learner = TrainingTimeAdvisor()
    for episode in curves(n_tasks):
        learner.update(episode)
    return learner


def test_it_beats_proportional_time_on_a_new_machine() -> None:
    """Four times the rows of a learner whose time is quadratic, on a data set never seen."""
    learner, ours, rule = taught(8), [], []
    for task in range(8, 14):
        for rows in SIZES:
            if rows <= 256:
                learner.update(run(task, 1, rows))
        (option,) = learner.answer(question(task, 1, 1024, kind="seconds")).options
        true = seconds(task, 1, 1024)
        ours.append(abs(np.log(option.expected / true)))
        rule.append(abs(np.log(4.0 * seconds(task, 1, 256) / true)))
        assert option.low < option.expected < option.high

    assert np.median(ours) < 0.5 * np.median(rule)


def search(task: int, n: int, first: int = 0) -> list[EpisodeRecorded]:
    """Runs of a search: time doubles per layer, on a machine of the task; no rows are told."""
    runs = []
    for i in range(first, first + n):
        layers, width = (1 + Draws(f"search|{task}|{i}").uniform(2) * 3).tolist()
        runs.append(
            EpisodeRecorded(
                episode=f"{task}-{i}",
                task=f"s{task}",
                configuration=f"c{task}-{i}",
                hyperparameters={"layers": layers, "width": width, "kind": "net"},
                result=0.0,
                seconds=float(np.exp(task + 0.7 * layers)),
            )
        )
    return runs


def test_hyperparameters_and_the_task_say_how_long() -> None:
    """Of a configuration never run, on a task with some runs: far better than the task's median."""
    learner = TrainingTimeAdvisor()
    for task in range(4):
        for episode in search(task, 40):
            learner.update(episode)
    for episode in search(5, 15):
        learner.update(episode)

    median = float(np.median([episode.seconds for episode in search(5, 15)]))
    ours, beside = [], []
    for episode in search(5, 30, first=15):
        option = Option(configuration="new", hyperparameters=episode.hyperparameters)
        given_ = learner.answer(AdviceRequested(task="s5", question="seconds", options=(option,)))
        ours.append(abs(np.log(given_.options[0].expected / episode.seconds)))
        beside.append(abs(np.log(median / episode.seconds)))
    assert np.median(ours) < 0.5 * np.median(beside)


def test_answers_come_in_the_order_asked() -> None:
    """With as many options, and the number of other tasks."""
    given_ = taught(3).answer(question(1, 0, 2048, 128, 512, kind="seconds"))

    assert [option.rows for option in given_.options] == [2048, 128, 512]
    assert given_.n_tasks == 2


def test_it_resumes_from_a_snapshot() -> None:
    """The same bytes as a learner that never stopped."""
    straight, resumed = taught(1), TrainingTimeAdvisor()
    for episode in curves(1):
        resumed = decode_state(encode_state(resumed), TrainingTimeAdvisor)
        resumed.update(episode)

    assert encode_state(resumed) == encode_state(straight)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.just(0.0) | st.floats(1e-9, 1e9), st.floats(-1e30, 1e30)), max_size=20
    )
)
def test_wild_numbers_break_nothing(told: list[tuple[int, float, float]]) -> None:
    """Answers stay finite and positive."""
    learner = TrainingTimeAdvisor()
    for n, (rows, time, value) in enumerate(told):
        episode = EpisodeRecorded(
            episode="e",
            task=f"t{n % 2}",
            configuration=f"c{n % 3}",
            rows=rows,
            hyperparameters={"a": value, "b": "text"},
            result=0.0,
            seconds=time,
        )
        learner.update(episode)

    options = tuple(Option(configuration=f"c{c}", rows=rows) for c in range(4) for rows in (0, 64, 10**9))
    given_ = learner.answer(AdviceRequested(task="t0", question="seconds", options=options))

    for option in given_.options:
        assert 0.0 < option.low <= option.high < float("inf")
        assert 0.0 < option.expected < float("inf")


def test_descriptors_are_put_on_one_scale() -> None:
    """Whatever the unit: mean near 0, spread near 1; texts and further names are left out."""
    scale, draws = Descriptors(), Draws("scale")
    for _ in range(300):
        big, small = (draws.uniform(2) * np.array([1e6, 1e-3])).tolist()
        scale.update({"big": big, "small": small, "text": "x"} | {f"n{i}": 1.0 for i in range(N_NAMES)})

    assert scale.names[:1] == ["big"]
    assert len(scale.names) == N_NAMES
    columns = np.array([scale.columns({"big": b})[0] for b in (draws.uniform(500) * 1e6).tolist()])
    assert abs(columns.mean()) < 0.2
    assert columns.std() == pytest.approx(1.0, abs=0.3)
    assert not scale.columns({"text": "x"}).any()
