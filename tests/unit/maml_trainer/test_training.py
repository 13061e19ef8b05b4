"""A meta-training in this thread: what is left out, what is waited for, what is told of it."""

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.unit.maml_trainer.orders import Faltering, published, record, recorded, rejected, spec, training
from tests.unit.maml_trainer.small import small_tasks

from homeostat.artifacts import FolderStore, StoreUnavailable, open_store
from homeostat.core import Report
from homeostat.events import ActionProgressed, Episodes
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.services.maml_trainer.checkpoint import Checkpoint
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.deadline import StopRun
from homeostat.services.maml_trainer.meta.outer_loop import OuterLoop
from homeostat.services.maml_trainer.publish.weights import load, save


def odd_task() -> Task:
    """Make a task with a seventh class."""
    task = small_tasks(41)[40]
    labels = task.support_y.copy()
    labels[0] = 6
    return replace(task, support_y=labels)


def test_one_odd_task_does_not_replace_good_weights(tmp_path: Path) -> None:
    """It is left out and counted; the weights in force stay what must be beaten, and five steps do not beat them."""
    store = open_store(tmp_path)
    log = recorded(store)
    good = published(training(log, spec(log, n_steps=300), store).run())
    log = recorded(store, more=[record(odd_task(), store, n_classes=7)])

    with capture_logs() as logs:
        answer = training(log, spec(log, n_steps=5, seed=9, current=good.artifact), store).run()

    assert rejected(answer).reason.startswith("not_better_than_current")
    assert rejected(answer).left_out == {"other_shape": 1}
    assert [(line["n"], line["other_shape"]) for line in logs if line["event"] == "tasks_left_out"] == [(1, 1)]


def test_what_is_continued_rests_on_whom_the_beginning_rested_on(tmp_path: Path) -> None:
    """A source of the weights in force stays one of all that comes of them, whoever told of the new tasks."""
    store = open_store(tmp_path)
    log = recorded(store)
    first = published(training(log, spec(log, n_steps=100), store).run())
    learned, facts = load(store.get(first.artifact))
    begun = store.put(save(learned, facts | {"sources": '["/bad"]'}).data)

    continued = training(log, spec(log, n_steps=5, seed=9, current=begun), store)
    continued.run()

    assert set(json.loads(continued.facts["sources"])) == {"/bad", *first.sources}


def test_a_task_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    """The family learns from the rest; the published weights say how many were left out, and why."""
    store = open_store(tmp_path)
    lost = record(small_tasks(41)[40], store)
    assert lost.support_x is not None
    lost = lost.model_copy(update={"support_x": lost.support_x.model_copy(update={"data": None, "artifact": "0" * 64})})
    log = recorded(store, more=[lost])

    answer = published(training(log, spec(log), store).run())

    _, metadata = load(store.get(answer.artifact))
    assert (answer.n_tasks, answer.left_out) == (26, {"artifact_missing": 1})
    assert metadata["left_out"] == '{"artifact_missing": 1}'


def test_weights_say_what_they_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of wall clock, published or rejected: a meta-training is not free."""
    store = open_store(tmp_path)
    monkeypatch.setattr("homeostat.services.maml_trainer.deadline.monotonic", count().__next__)
    enough, too_few = recorded(store), recorded(store, n=12)

    one = published(training(enough, spec(enough), store).run())
    other = rejected(training(too_few, spec(too_few), store).run())

    assert one.seconds > 60  # a look at the clock after every step
    assert 1 <= other.seconds < 60


def test_too_few_held_out_tasks_are_said_before_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step is spent on what the gate could not judge."""
    store = open_store(tmp_path)
    log = recorded(store, n=12)
    monkeypatch.setattr(OuterLoop, "advance", pytest.fail)

    answer = rejected(training(log, spec(log), store).run())

    assert answer.reason.startswith("too_few_tasks: 4 held-out tasks")


def test_classes_of_one_task_are_not_two_hundred_tasks(tmp_path: Path) -> None:
    """However many episodes are drawn from three classes, they are no ten groups: nothing is published on them."""
    store = open_store(tmp_path)
    tasks = small_tasks(12)
    log = recorded(store, n=0, more=[record(task, store, is_held_out=at == 0) for at, task in enumerate(tasks)])

    answer = rejected(training(log, spec(log, episodes=Episodes(ways=3, shots=(1,), queries=3)), store).run())

    assert answer.reason.startswith("too_few_tasks: 1 held-out groups of classes")


@pytest.mark.parametrize(
    "failures",
    [[BrokerUnreachable("broker:9092", "down")], [StoreUnavailable("file:///store", "busy")], [39], [0, 20]],
    ids=["broker", "store", "short read", "two short reads"],
)
def test_passing_trouble_is_waited_for(tmp_path: Path, failures: list[Exception | int]) -> None:
    """A log that cannot be read to the end of the range yet is read again: all tasks count, or none."""
    store = open_store(tmp_path)
    log = recorded(store)
    faltering = Faltering(log, failures)

    answer = published(training(faltering, spec(log, n_steps=30), store).run())

    assert answer.n_tasks == 26
    assert faltering.n_reads == len(failures) + 1


def test_trouble_that_does_not_pass_ends_the_run(tmp_path: Path) -> None:
    """After the retry time-out; the report says what was not there."""
    store = open_store(tmp_path)
    log = recorded(store)

    with pytest.raises(StopRun, match="cannot be seen yet") as caught:
        training(Faltering(log, [3] * 100), spec(log), store).run()

    assert caught.value.reason == "no_data"


def test_a_store_that_is_full_for_a_moment_takes_the_weights_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training is not thrown away."""
    store = open_store(tmp_path)
    log = recorded(store)
    put, refusals = FolderStore.put, [StoreUnavailable("file:///store", "no space left")]

    def full(store: FolderStore, content: bytes) -> str:
        if refusals:
            raise refusals.pop()
        return put(store, content)

    monkeypatch.setattr(FolderStore, "put", full)

    assert published(training(log, spec(log), store).run()).n_tasks == 26


def test_a_checkpoint_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs what a kill would cost, not the run."""
    store = open_store(tmp_path / "artifacts")
    log = recorded(store)

    def full(checkpoint: Checkpoint, state: dict[str, Any]) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Checkpoint, "write", full)
    with capture_logs() as logs:
        answer = published(training(log, spec(log), store, folder=tmp_path / "checkpoints").run())

    assert answer.n_tasks == 26
    assert {line["event"] for line in logs} == {"checkpoint_unwritten"}


def test_progress_is_told_in_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss and tasks a second beside the sentence, so that they can be drawn."""
    store = open_store(tmp_path)
    log = recorded(store)
    heard: list[Report] = []
    monkeypatch.setattr("homeostat.services.maml_trainer.training._PROGRESS_SECONDS", 0.0)

    training(log, spec(log, n_steps=5), store, say=heard.append).run()

    told = [report.data for report in heard]
    assert [data.done for data in told if isinstance(data, ActionProgressed)] == [0.2, 0.4, 0.6, 0.8, 1.0]
    for data in told:
        assert isinstance(data, ActionProgressed)
        assert data.loss is not None
        assert data.tasks_per_second is not None
        assert np.isfinite(data.loss)
        assert data.tasks_per_second > 0


def test_the_record_shows_how_it_learned(tmp_path: Path) -> None:
    """Curves of loss, norm of the meta-gradient and every step size; the command and the provenance as files."""
    store = open_store(tmp_path)
    log = recorded(store)
    run = training(log, spec(log), store)
    answer = published(run.run())

    outer = run.record(1, 2, "FINISHED", "published")

    learned, metadata = load(store.get(answer.artifact))
    assert {"loss", "gradient_norm", "tasks_per_second", "seconds", *learned.inner} == outer.metrics.keys()
    assert {len(outer.metrics[name]) for name in ("loss", "gradient_norm", "lr.w1")} == {60}
    assert outer.metrics["lr.w1"][-1][1] == pytest.approx(learned.inner["lr.w1"].item())
    assert sorted(outer.artifacts) == ["meta_training.json", "provenance.json"]
    assert metadata["window"].encode() in outer.artifacts["provenance.json"].replace(b'\\"', b'"')
