"""Which configuration to run next: earlier tasks teach, results of the task count, sources can be taken back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import decode_state, encode_state
from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded, Provenance, SourceDistrusted
from homeostat.events.advice import Option
from homeostat.events.logs import INDICATORS
from homeostat.services.training_advisor.configuration_advisor import ConfigurationAdvisor
from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.services.training_advisor.hyperparameter_points import points_of
from homeostat.services.training_advisor.run_table import RunTable
from homeostat_lab.evaluation.feeding import Feeder

OPTIONS = tuple(Option(configuration=f"c{i}", hyperparameters={"depth": i, "kind": "ab"[i % 2]}) for i in range(12))


def run(
    task: str, i: int, result: float, *, source: str = "jobs", rows: int = 0, about: float = 0.0
) -> EpisodeRecorded:
    return EpisodeRecorded(
        episode=f"{task}-{i}",
        task=task,
        configuration=f"c{i}",
        rows=rows,
        meta_features={"about": about},
        result=result,
        seconds=1.0,
        provenance=Provenance(scope="acme", source=source, id="1"),
    )


def results_of(task: int) -> list[float]:
    """Odd tasks like deep ones, even tasks shallow ones, by a range of their own."""
    generator = np.random.default_rng(task)
    slope = (1.0 if task % 2 else -1.0) * generator.uniform(0.2, 0.6)
    return [0.5 + slope * (i / 11.0 - 0.5) + 0.01 * float(generator.normal()) for i in range(12)]


def taught(n: int = 20, *, about: bool = False) -> ConfigurationAdvisor:
    configurations = ConfigurationAdvisor()
    for task in range(n):
        for i, result in enumerate(results_of(task)):
            configurations.update(run(f"t{task}", i, result, about=float(task % 2) if about else 0.0))
    return configurations


def ask(configurations: ConfigurationAdvisor, task: str = "new", **changes: object) -> AdviceGiven:
    fields: dict[str, object] = {"task": task, "question": "configuration", "options": OPTIONS}
    return configurations.answer(AdviceRequested.model_validate(fields | changes), "/s#1.0")


@pytest.mark.parametrize("task", [100, 101])
def test_a_search_finds_the_best_in_a_few_trials(task: int) -> None:
    """After four trials out of twelve, the best configuration of a task of either sort has been run."""
    configurations, results, tried = taught(), results_of(task), list[int]()

    for _ in range(4):
        tried.append(int(ask(configurations).options[0].configuration[1:]))
        configurations.update(run("new", tried[-1], results[tried[-1]]))

    assert max(results[i] for i in tried) > max(results) - 0.05


def test_what_was_run_comes_last_with_its_result() -> None:
    """Running it again would teach nothing; the others' gain is counted from it."""
    configurations = taught()
    configurations.update(run("new", 3, 0.61))

    given_ = ask(configurations)

    last, first = given_.options[-1], given_.options[0]
    assert (last.configuration, last.expected, last.low, last.high, last.gain) == ("c3", 0.61, 0.61, 0.61, 0.0)
    assert first.gain == pytest.approx(first.expected - 0.61)
    assert sum(option.probability for option in given_.options) == pytest.approx(1.0)
    assert given_.n_tasks == 20


def test_without_other_tasks_the_order_is_drawn() -> None:
    """Nothing is known: every order is as good, and the same question has the same answer."""
    configurations = ConfigurationAdvisor()
    configurations.update(run("new", 3, 0.61))

    given_ = ask(configurations)

    assert given_.n_tasks == 0
    assert {option.configuration for option in given_.options} == {option.configuration for option in OPTIONS}
    assert given_.options[-1].configuration == "c3"
    assert given_ == ask(configurations)


@pytest.mark.parametrize("about", [0.0, 1.0])
def test_meta_features_choose_where_they_tell_tasks_apart(about: float) -> None:
    """With descriptors that decide what is good, the first choice is right without a single run."""
    configurations = taught(24, about=True)

    chosen = ask(configurations, meta_features={"about": about}, shadows=True).options[0]

    assert int(chosen.configuration[1:]) in ((9, 10, 11) if about else (0, 1, 2))


def test_an_unknown_option_can_be_recommended() -> None:
    """Never run anywhere, but beside what is good: its hyperparameters speak for it, and nothing breaks."""
    configurations = ConfigurationAdvisor()
    for task in range(1, 20, 2):  # those that like deep ones
        for i, result in enumerate(results_of(task)[:10]):
            configurations.update(run(f"t{task}", i, result))

    order = [option.configuration for option in ask(configurations).options]

    assert order.index("c10") < order.index("c0")


@given(order=st.permutations(range(6)), silent=st.integers(0, 5))
def test_forgetting_a_source_is_as_if_it_had_been_silent(order: list[int], silent: int) -> None:
    """Answers after taking a source back are those of a learner that never heard it, to the bit."""
    one, other = ConfigurationAdvisor(), ConfigurationAdvisor()
    for task in order:
        for i, result in enumerate(results_of(task)):
            episode = run(f"t{task // 2}", i, result, source=f"s{task}")
            one.update(episode)
            if task != silent:
                other.update(episode)

    one.forget(f"s{silent}")

    assert ask(one) == ask(other)


def test_the_fold_answers_and_takes_a_distrusted_source_back() -> None:
    """A question on the experience log is answered among the indicators, without what a distrusted source told."""
    feeder = Feeder(TrainingAdvisor())
    for task in range(4):
        feeder.publish_all(
            "acme/jobs", [run(f"t{task}", i, r, source=f"/s{task}") for i, r in enumerate(results_of(task))]
        )
    feeder.publish("acme/jobs", SourceDistrusted(scope="acme", source="/s0"))

    (emit,) = feeder.publish("acme/jobs", AdviceRequested(task="new", question="configuration", options=OPTIONS))

    assert isinstance(emit.data, AdviceGiven)
    assert (emit.log, emit.data.n_tasks) == (INDICATORS, 3)


def test_a_restored_learner_answers_the_same() -> None:
    """The state is all there is: through the snapshot codec and back, bytes and answers are equal."""
    configurations = taught(5)

    restored = decode_state(encode_state(configurations), ConfigurationAdvisor)

    assert encode_state(restored) == encode_state(configurations)
    assert ask(restored) == ask(configurations)


def test_a_question_changes_nothing() -> None:
    """Asking with names that were never seen leaves the state as it was."""
    configurations = taught(3)
    before = encode_state(configurations)

    ask(configurations, meta_features={"unheard": 1.0}, options=(*OPTIONS, Option(configuration="unheard")))

    assert encode_state(configurations) == before


def test_the_ledger_is_bounded() -> None:
    """Tasks beyond 512 push the oldest out; configurations beyond 1,024 are ignored."""
    table = RunTable()

    for task in range(600):
        table.update(run(f"t{task}", task, 0.5))
    for i in range(600, 1100):
        table.update(run("t599", i, 0.5))

    assert len(table.runs) == 512
    assert "t599\njobs" in table.runs
    assert len(table.configurations) == 1024


def test_more_rows_replace_and_as_many_are_averaged() -> None:
    """A result is that of the longest runs."""
    table = RunTable()

    for rows, result in ((100, 0.5), (200, 0.7), (100, 0.1), (200, 0.8)):
        table.update(run("t", 0, result, rows=rows))

    assert table.table("t", ["c0"])[2].tolist() == [0.75]


def test_numbers_are_scaled_and_words_are_set_apart() -> None:
    """A number takes a column, words one each, what never varies none; a missing number has a column for that."""
    points = points_of([{"a": 1, "b": "x", "c": 5}, {"a": 3, "b": "y", "c": 5}, {"a": 2, "b": "x", "c": 5}])
    missing = points_of([{"a": 1}, {"a": 3}, {}])

    assert points.tolist() == [[0.0, 0.5, 0.0], [1.0, 0.0, 0.5], [0.5, 0.5, 0.0]]
    assert missing.tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 0.5]]
    assert points_of([{}, {}]).shape == (2, 0)


@given(
    results=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 11), st.floats(-1e30, 1e30) | st.sampled_from([0.5, 0.5 + 1e-16])),
        max_size=30,
    ),
    shadows=st.booleans(),
)
def test_whatever_was_told_the_answer_is_finite(results: list[tuple[int, int, float]], shadows: bool) -> None:
    """Absurd results, equal ones, few or none: every number of the answer is one."""
    configurations = ConfigurationAdvisor()
    for task, i, result in results:
        configurations.update(run(f"t{task}", i, result))

    given_ = ask(configurations, "t0", shadows=shadows)

    numbers = [[o.expected, o.low, o.high, o.gain, o.probability] for o in given_.options]
    assert np.isfinite(numbers).all()
    assert sorted(option.configuration for option in given_.options) == sorted(o.configuration for o in OPTIONS)


def test_forgetting_a_source_frees_the_names_it_took() -> None:
    """A thousand made-up configurations of a liar leave no room; with its distrust the honest have it back."""
    table = RunTable()
    for i in range(1024):
        table.update(run("lies", i, 0.5, source="liar"))
    table.update(run("t", 2000, 0.7))
    assert np.isnan(table.table("t", ["c2000"])[2]).all()

    table.forget("liar")
    table.update(run("t", 2000, 0.7))

    assert table.table("t", ["c2000"])[2].tolist() == [0.7]


def test_forgetting_a_source_leaves_what_others_said_of_the_same_names() -> None:
    """As if it had been silent: results, meta-features and answers are those without it, to the bit."""
    honest, deceived = RunTable(), RunTable()
    for task in range(5):
        for i in (3, 1, 7):
            deceived.update(run("lies", 10 * task + i, 0.1, source="liar", about=9.0))
            for table in (honest, deceived):
                table.update(run(f"t{task}", i, 0.1 * i + task, about=float(task)))
    deceived.forget("liar")

    names = [f"c{i}" for i in range(12)]
    for left, right in zip(honest.table("t1", names), deceived.table("t1", names), strict=True):
        np.testing.assert_array_equal(left, right)


def test_one_source_cannot_push_the_others_tasks_out() -> None:
    """Of five hundred tasks and more the one leaves first that has told of most."""
    table = RunTable()
    table.update(run("old", 1, 0.5))
    for task in range(600):
        table.update(run(f"flood{task}", 1, 0.5, source="liar"))

    assert table.table("old", ["c1"])[2].tolist() == [0.5]


def test_results_of_another_metric_say_nothing_and_losses_are_better_when_small() -> None:
    """The best of a loss is the smallest; what it gains is still positive."""
    feeder = Feeder(TrainingAdvisor())
    for task in range(20):
        for i, result in enumerate(results_of(task)):
            episode = run(f"t{task}", i, result)
            feeder.publish("acme/f", episode)
            feeder.publish("acme/f", episode.model_copy(update={"metric": "log_loss", "is_loss": True}))
    feeder.publish("acme/f", run("new", 5, 0.5).model_copy(update={"metric": "log_loss", "is_loss": True}))

    def ask_for(**changes: object) -> AdviceGiven:
        fields: dict[str, object] = {"task": "new", "question": "configuration", "options": OPTIONS}
        given_ = feeder.publish("acme/f", AdviceRequested.model_validate(fields | changes))[0].data
        assert isinstance(given_, AdviceGiven)
        return given_

    score, loss = ask_for(), ask_for(metric="log_loss", is_loss=True)
    assert all(option.gain == 0.0 for option in score.options)  # nothing was run of that metric
    tried = loss.options[-1]
    assert (tried.configuration, tried.expected) == ("c5", 0.5)
    assert all(o.low <= o.expected <= o.high for o in loss.options)
    assert all(o.gain == pytest.approx(0.5 - o.expected) for o in loss.options)
