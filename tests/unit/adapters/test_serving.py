"""Logs of inference servers become served rows; registries and trackers traces, registrations, deployments."""

import json
import sqlite3

import numpy as np
import pytest
from tests.unit.adapters.payloads import BEGIN, FOLDER, read

from homeostat.adapters import AdaptedEvent, Target, UnreadablePayload
from homeostat.adapters.labels import from_cursor
from homeostat.events import DeploymentObserved, EpisodeRecorded, Labels, ModelRegistered, Samples
from homeostat.events.columns import f8


def _samples(event: AdaptedEvent) -> Samples:
    assert isinstance(event.data, Samples)
    return event.data


def test_requests_and_responses_are_joined_by_their_id() -> None:
    """In whatever order they were logged; the rows have the inputs as features, and the time between as latency."""
    events = read("kserve", version="v7")

    first, second = map(_samples, events)
    assert first.request == ["0a8c2f5e-5a1d-4c0e-9d9b-6ce1f3b80d01.0", "0a8c2f5e-5a1d-4c0e-9d9b-6ce1f3b80d01.1"]
    assert (first.version, first.role, first.features) == ("v7", "champion", ["x0", "x1", "x2", "x3"])
    assert first.matrix().T.tolist() == np.array([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]], "f4").tolist()
    assert f8(first.prediction).tolist() == [1.0, 2.0]
    assert f8(first.latency_seconds).tolist() == pytest.approx([0.02, 0.02])
    assert (second.version, second.role, second.features) == ("v8", "canary", ["price", "size"])
    assert (f8(second.prediction).tolist(), f8(second.score).tolist()) == ([1.0], [0.7])


def test_inputs_are_kept_on_request() -> None:
    """For training: the registration must say how wide they are."""
    samples = _samples(read("kserve", has_inputs=True)[0])

    assert samples.captured == [0, 1]
    assert samples.captured_inputs().shape == (2, 4)


def test_names_of_classes_are_read() -> None:
    """What they stand for, the target says."""
    line = {"specversion": "1.0", "type": "org.kubeflow.serving.inference.response", "id": "a", "time": 1767225600}
    body = json.dumps(line | {"data": {"predictions": ["spam", "ham"]}})

    assert f8(_samples(read("kserve", body, classes=("ham", "spam"))[0]).prediction).tolist() == [1.0, 0.0]
    with pytest.raises(UnreadablePayload, match="'spam' is no number"):
        read("kserve", body)


def test_other_rows_than_were_asked_are_refused() -> None:
    """They belong to something else."""
    lines = (FOLDER / "kserve.jsonl").read_text("utf-8").splitlines()
    answer = json.loads(lines[1])
    answer["data"]["predictions"] = [1]

    with pytest.raises(UnreadablePayload, match="asks 2 rows, and 1 were answered"):
        read("kserve", "\n".join([lines[0], json.dumps(answer)]))


def test_probabilities_of_seldon_are_a_class_and_a_score() -> None:
    """Joined by `requestid`: ids are each event's own there."""
    (event,) = read("seldon")

    samples = _samples(event)
    assert (samples.request, samples.features) == (["1a.0", "1a.1"], ["price", "size"])
    assert (f8(samples.prediction).tolist(), f8(samples.score).tolist()) == ([0.0, 1.0], [0.9, 0.75])


def test_stored_documents_of_seldon_are_read() -> None:
    """As they lie in Elasticsearch."""
    (event,) = read("seldon", (FOLDER / "seldon_stored.json").read_bytes())

    samples = _samples(event)
    assert (samples.request, samples.features, event.time) == (["2b"], ["price"], BEGIN + 1000)
    assert f8(samples.prediction).tolist() == [0.195]


def test_a_finished_run_is_a_trace() -> None:
    """Parameters are numbers again; the loss is the curve, the first usual metric the result."""
    (event,) = read("mlflow-runs", subject="shop/rankers")

    run = event.data
    assert isinstance(run, EpisodeRecorded)
    assert run.hyperparameters == {"max_depth": 7, "learning_rate": 0.05, "warm_start": True}
    assert (run.episode, run.task, run.configuration) == (
        "d316d74c71ce4ecbb9b8a3fb8a4e9d1a",
        "experiment-12",
        "deep_tree_7",
    )
    assert (run.metric, run.result, run.is_loss, run.loss_curve) == ("val_accuracy", 0.91, False, (0.41, 0.22))
    assert (run.seconds, event.time - BEGIN) == (90.5, 90_500)


def test_the_metric_that_counts_may_be_named() -> None:
    """A run without it is told."""
    (event,) = read("mlflow-runs", metric="loss")

    assert isinstance(event.data, EpisodeRecorded)
    assert (event.data.result, event.data.is_loss) == (0.22, True)
    with pytest.raises(UnreadablePayload, match="it has loss, val_accuracy"):
        read("mlflow-runs", metric="auc")


def test_an_alias_of_the_registry_is_a_deployment() -> None:
    """Of the version that it names; other aliases mean nothing here."""
    (event,) = read("mlflow-webhook")

    assert isinstance(event.data, DeploymentObserved)
    assert event.data.version == "8"
    body = json.loads((FOLDER / "mlflow_webhook.json").read_text("utf-8"))
    body["data"]["alias"] = "candidate"
    assert read("mlflow-webhook", json.dumps(body)) == []


def test_the_first_version_registers_its_model() -> None:
    """In the family that the target names."""
    body = {"entity": "model_version", "action": "created", "timestamp": "2026-01-01T00:00:00Z"}
    payload = json.dumps(body | {"data": {"name": "ranker", "version": "1", "source": "models:/1", "run_id": "a"}})

    (event,) = read("mlflow-webhook", payload, family="rankers")

    assert isinstance(event.data, ModelRegistered)
    assert (event.data.family, event.data.champion) == ("rankers", "1")
    assert read("mlflow-webhook", payload) == []


def test_labels_are_read_from_a_database() -> None:
    """Batch by batch, from any cursor of the Python Database API."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE orders (id TEXT, returned INTEGER, seen TEXT)")
        rows = [(f"o-{row}", row % 2 if row else None, f"2026-01-0{1 + row}") for row in range(4)]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
        cursor = database.execute("SELECT id AS request, returned AS label, seen AS time FROM orders ORDER BY id")

        events = list(from_cursor(cursor, Target(subject="shop/ranker"), batch=2))
    database.close()

    found = [event.data for event in events if isinstance(event.data, Labels)]
    assert [labels.request for labels in found] == [["o-1"], ["o-2", "o-3"]]
    assert [f8(labels.label).tolist() for labels in found] == [[1.0], [0.0, 1.0]]


def test_a_wrong_cell_is_named_by_its_row() -> None:
    """Counted from the first row after the header."""
    with pytest.raises(UnreadablePayload, match="'later' is no time") as told:
        read("labels", "request,label,time\na,1,2026-01-01\nb,1,later\n")

    assert told.value.field == "time, row 2"
