"""A model of one's own: it serves, takes deployments, and what it has served is in the logs."""

import pickle  # an artifact of anybody's own form
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.serving import IDS, MODEL, X, canary, told

from homeostat.artifacts import ArtifactStore
from homeostat.client import Client, QueueFull
from homeostat.client.memory import MemoryLogs
from homeostat.core import Reject
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.memory import MemoryLog
from homeostat.serving import Deployment, Served
from homeostat.serving.fence import StaleDeployment


def test_what_is_served_is_published(make: Callable[..., Served], log: MemoryLog) -> None:
    """Names of classes as indices, columns as features, captured inputs; of many small calls one event."""
    served = make()

    answers = [served(X[[row]], [IDS[row]]) for row in range(40)]
    served.label(IDS, ["yes"] * 40)
    assert served.flush()

    assert [answer.prediction.tolist() for answer in answers] == [["no"]] * 40
    samples = told(log, Samples)
    assert [id_ for one in samples for id_ in one.request] == IDS
    assert len(samples) < 40
    assert np.concatenate([np.frombuffer(one.prediction) for one in samples]).tolist() == [0.0] * 40
    matrix = np.concatenate([np.frombuffer(one.inputs, "<f4").reshape(-1, 2) for one in samples])
    assert matrix.tolist() == X.tolist()
    assert {tuple(one.features) for one in samples} == {("a", "b")}
    assert [id_ for one in told(log, Labels) for id_ in one.request] == IDS
    assert np.frombuffer(told(log, Labels)[0].label).tolist() == [1.0] * 40


def test_a_canary_answers_its_share_and_every_version_every_row(
    make: Callable[..., Served], store: ArtifactStore, log: MemoryLog
) -> None:
    """Those whose hash says so; what the other one would have said is published too, as are its latencies."""
    served = make()
    served.apply(canary(store, 0.5))

    answer = served(X, IDS)
    served.flush()

    n_canary = answer.version.count("v2")
    assert 0 < n_canary < 40
    assert answer.prediction.tolist() == ["yes" if version == "v2" else "no" for version in answer.version]
    for version in ("v1", "v2"):
        assert sorted(id_ for one in told(log, Samples) if one.version == version for id_ in one.request) == sorted(IDS)
    assert {(one.version, one.role) for one in told(log, Samples)} == {("v1", "champion"), ("v2", "canary")}
    assert served(X, IDS).version == answer.version  # the same request, the same way


def test_without_mirrors_each_row_is_answered_once(
    make: Callable[..., Served], store: ArtifactStore, log: MemoryLog
) -> None:
    """For models that are dear to ask."""
    served = make(is_mirrored=False)
    served.apply(canary(store, 0.5))

    served(X, IDS)
    served.flush()

    assert sorted(id_ for one in told(log, Samples) for id_ in one.request) == sorted(IDS)


def test_a_promotion_survives_a_restart(make: Callable[..., Served], store: ArtifactStore, tmp_path: Path) -> None:
    """What was set last serves again; a command that comes late does nothing."""
    path = tmp_path / "served.json"
    digest = store.put(pickle.dumps("yes"))
    promoted = Deployment("/governor", "2.0", "v2", artifacts={"v2": digest})
    make(state=path).apply(promoted)

    again = make(state=path)

    assert again(X, IDS).version == ["v2"] * 40
    with pytest.raises(StaleDeployment):
        again.apply(canary(store, 1.0, "1.0"))
    assert again(X, IDS).version == ["v2"] * 40


def test_a_canary_that_breaks_is_answered_for(make: Callable[..., Served], store: ArtifactStore) -> None:
    """The callers get the champion's answer, and it is counted."""
    served = make()
    served.apply(Deployment("/governor", "1.0", "v1", "v2", 1.0, artifacts={"v2": store.put(pickle.dumps("broken"))}))

    assert served(X, IDS).version == ["v1"] * 40
    assert served.n_failed["v2"] >= 1


def test_what_cannot_be_loaded_changes_nothing(make: Callable[..., Served], store: ArtifactStore) -> None:
    """The hand hears why."""
    served = make()

    with pytest.raises(pickle.UnpicklingError):
        served.apply(Deployment("/governor", "1.0", "v1", "v2", 1.0, artifacts={"v2": store.put(b"junk")}))
    with pytest.raises(Reject, match="artifact_unknown"):
        served.apply(Deployment("/governor", "1.0", "v9"))

    assert served(X, IDS).version == ["v1"] * 40


class Away(Client):
    """A broker that is away for a while."""

    is_away = True
    n_refused = 0

    def publish(self, log: str | None, subject: str, data: Any) -> Any:
        """Refuse as a full queue does, or send."""
        if self.is_away:
            self.n_refused += 1
            raise QueueFull(1, 0.0, self._builder.build(TELEMETRY, subject, data))
        return super().publish(log, subject, data)

    def resend(self, failure: Any) -> None:
        """The same for what was given back."""
        if self.is_away:
            raise failure
        super().resend(failure)


def test_a_model_serves_on_while_the_broker_is_away(make: Callable[..., Served], log: MemoryLog) -> None:
    """What waits is bounded, what does not fit is counted, and the rest arrives once."""
    client = Away(source="/shop", logs=MemoryLogs(log))
    served = make(client=client, most_waiting=100)

    for number in range(20):
        served(X, [f"{number}.{id_}" for id_ in IDS])
    assert not served.flush(0.5)
    assert served.trouble
    client.is_away = False
    assert served.flush()

    arrived = [id_ for one in told(log, Samples) for id_ in one.request]
    assert len(arrived) == len(set(arrived))
    assert len(arrived) + served.n_dropped == 20 * 40
    assert served.trouble == ""


def test_what_no_door_takes_is_counted_and_stops_nothing(make: Callable[..., Served], log: MemoryLog) -> None:
    """A row that is refused for what it is would be refused for ever."""
    served = make(classes=None, predictor=lambda x: np.full(len(x), np.inf))
    served(X, IDS)
    served.flush()

    assert served.n_refused == 1
    assert served.refusal


def test_many_threads_lose_nothing(make: Callable[..., Served], log: MemoryLog) -> None:
    """A server has many."""
    served = make()
    threads = [
        threading.Thread(target=lambda name=name: [served(X, [f"{name}.{n}.{i}" for i in IDS]) for n in range(10)])
        for name in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served.flush()

    arrived = [id_ for one in told(log, Samples) for id_ in one.request]
    assert len(arrived) == len(set(arrived)) == 8 * 10 * 40


def test_data_frames_keep_their_form(make: Callable[..., Served], log: MemoryLog) -> None:
    """A predictor gets what was given; columns that are no numbers are not watched."""
    import pandas as pd  # type: ignore[import-untyped]  # ships no types

    seen: list[Any] = []

    def predictor(x: Any) -> Any:
        seen.append(x)
        return np.zeros(len(x))

    frame = pd.DataFrame({"price": [1.0, None], "shop": ["a", "b"], "count": [1, 2]})
    served = make(predictor=predictor, features=(), classes=None)
    served(frame, ["x", "y"])
    served.flush()

    (samples,) = told(log, Samples)
    assert seen[0] is frame
    assert samples.features == ["price", "count"]
    assert np.array_equal(np.frombuffer(samples.values, "<f4"), [1.0, np.nan, 1.0, 2.0], equal_nan=True)


def test_rows_that_are_no_numbers_stop_nothing(make: Callable[..., Served], log: MemoryLog) -> None:
    """A predictor may take what it likes; without columns nothing of it can be watched, and that is counted."""
    served = make(predictor=lambda x: np.zeros(len(x)), classes=None)
    served([{"colour": "red"}], ["a"])
    assert served.flush()

    assert (served.n_refused, served.trouble) == (1, "")
    assert "inputs_invalid" in served.refusal
    assert told(log, Samples) == []


def test_unknown_names_are_refused_at_once(make: Callable[..., Served]) -> None:
    """A label that is none of the classes is a mistake of the caller's."""
    with pytest.raises(Reject, match="label_unknown"):
        make().label(["a"], ["perhaps"])


def test_a_door_takes_what_it_says(make: Callable[..., Served], log: MemoryLog) -> None:
    """Also where the model is registered with its contract."""
    client = Client(source="/shop", logs=MemoryLogs(log))
    client.publish(None, MODEL, ModelRegistered(family="rankers", champion="v1", classes=("no", "yes"), input_width=2))
    served = make(client=client)
    served(X, IDS)
    served.flush()

    assert served.n_refused == 0
    assert len(told(log, Samples)) == 1
