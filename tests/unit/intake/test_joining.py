"""Late labels find their answers."""

import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import encode_state
from homeostat.core import Emit, Reject
from homeostat.events import EventRefused, Labels, Samples
from homeostat.events.columns import Role, f8, pack
from homeostat.events.logs import QUARANTINE, TIMELINE
from intake import TelemetryIntake

Make = Callable[..., Any]
WINDOW = 5
VERSIONS: list[tuple[Role, str]] = [("champion", "v1"), ("canary", "v2"), ("shadow", "a.b")]


class NaiveJoin:
    """The join by plain dictionaries and lists, without slots or generations."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.answers: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
        self.labels: dict[str, float] = {}
        self.n = 0

    def observe(self, samples: Samples) -> None:
        """Keep answers; a request that is new or forgotten starts afresh."""
        low = self.n - WINDOW
        for request in samples.request:
            if self.numbers.get(request, -1) < max(low, 0):
                self.numbers[request], self.n = self.n, self.n + 1
                self.labels.pop(request, None)
                for kept in self.answers.values():
                    kept.pop(request, None)
        inline = f8(samples.label).tolist() if samples.label and samples.role == "champion" else [math.nan] * 99
        said = self.answers.setdefault((samples.role, samples.version), {})
        for row, request in enumerate(samples.request):
            said[request] = (f8(samples.time)[row], f8(samples.prediction)[row])
            if not math.isnan(inline[row]):
                self.labels[request] = inline[row]

    def label(self, labels: Labels) -> tuple[list[Any], list[str]]:
        """Return joined rows (request, label, predictions by version, lag) and the unmatched requests."""
        joined, unmatched = [], []
        for request, label, time in zip(labels.request, f8(labels.label), f8(labels.time), strict=True):
            if self.numbers.get(request, -1) < max(self.n - WINDOW, 0):
                unmatched.append(request)
            elif self.labels.get(request) != label:
                self.labels[request] = label
                said = {key: kept[request] for key, kept in self.answers.items() if request in kept}
                champion = [t for (role, _), (t, _) in said.items() if role == "champion"]
                lag = time - min(champion or [t for t, _ in said.values()])
                joined.append((request, label, {key: p for key, (_, p) in said.items()}, lag))
        return joined, unmatched


def rows_of(emits: tuple[Emit, ...]) -> list[Any]:
    """Read a `Labels` as the naive join writes it."""
    rows: list[Any] = []
    for data in [emit.data for emit in emits if isinstance(emit.data, Labels)]:
        keys = [(answer.role, answer.version) for answer in data.answers]
        assert keys == sorted(keys)
        for row, request in enumerate(data.request):
            said = {
                (answer.role, answer.version): f8(answer.prediction)[row]
                for answer in data.answers
                if not np.isnan(f8(answer.prediction)[row])
            }
            rows.append((request, f8(data.label)[row], said, f8(data.lag_seconds)[row]))
    return rows


REQUESTS = st.sampled_from([f"r{i}" for i in range(12)])


@st.composite
def observations(draw: st.DrawFn, i: int = 0) -> Samples:
    """Answers of one version to a few requests, at times with inline labels."""
    role, version = draw(st.sampled_from(VERSIONS))
    request = draw(st.lists(REQUESTS, min_size=1, max_size=8, unique=True))
    n = len(request)
    numbers = st.lists(st.integers(0, 3).map(float), min_size=n, max_size=n)
    label = draw(st.just([]) | st.lists(st.sampled_from([0.0, 1.0, math.nan]), min_size=n, max_size=n))
    return Samples(
        version=version,
        role=role,
        request=request,
        time=pack(draw(numbers)),
        features=[],
        values=b"",
        prediction=pack(draw(numbers)),
        score=pack(draw(numbers)),
        label=pack(label) if label else b"",
    )


@st.composite
def truths(draw: st.DrawFn) -> Labels:
    """Labels of a few requests, some of them twice."""
    request = draw(st.lists(REQUESTS, min_size=1, max_size=8))
    label = [draw(st.sampled_from([0.0, 1.0])) for _ in request]
    return Labels(request=request, label=pack(label), time=pack([10.0 + i for i in range(len(request))]))


histories = st.lists(observations() | truths(), max_size=25)


@given(histories)
def test_join_agrees_with_the_naive_one(knock: Make, model: Make, history: list[Samples | Labels]) -> None:
    """Whatever comes in whatever order: the same rows are joined, repeated and unmatched."""
    door, naive = knock(TelemetryIntake, "acme/m1", join_requests=WINDOW), NaiveJoin()
    door.send(model())
    for data in history:
        if isinstance(data, Samples):
            door.send(data)
            naive.observe(data)
            continue
        joined, unmatched = naive.label(data)
        if len(unmatched) == data.n_rows:
            with pytest.raises(Reject, match="label_unmatched"):
                door.send(data)
            continue
        before = door.state.n_repeated_labels

        emits = door.send(data)

        assert rows_of(emits) == joined
        assert [emit.log for emit in emits] == [TIMELINE] * bool(joined) + [QUARANTINE] * bool(unmatched)
        assert door.state.n_repeated_labels - before == data.n_rows - len(joined) - len(unmatched)


@given(histories)
def test_restored_door_goes_on_as_if_nothing_had_happened(
    knock: Make, model: Make, history: list[Samples | Labels]
) -> None:
    """A state through the snapshot codec after every step says the same and ends the same."""
    plain, restored = (
        knock(TelemetryIntake, "acme/m1", is_restored=is_restored, join_requests=WINDOW, deduplication_events=3)
        for is_restored in (False, True)
    )
    for data in [model(), *history, model()]:
        said = []
        for door in (plain, restored):
            try:
                said.append(door.send(data, id_=f"{len(history) % 4}-{door.offset % 7}"))
            except Reject as reject:
                said.append((reject.reason, reject.detail))

        assert said[0] == said[1]
    assert encode_state(plain.state) == encode_state(restored.state)


@given(histories)
def test_memory_of_the_join_is_bounded(knock: Make, model: Make, history: list[Samples | Labels]) -> None:
    """Index, buffers and versions stay within their windows, whatever comes."""
    door = knock(TelemetryIntake, "acme/m1", join_requests=WINDOW, join_versions=2)
    door.send(model())
    for data in history:
        try:
            door.send(data)
        except Reject:
            continue

    answers = door.state.answers
    assert max(len(answers.young), len(answers.old)) < WINDOW + 8
    assert len(answers.labels) <= WINDOW
    assert len(answers.versions) <= 2
    assert all(version.columns.shape[1] <= WINDOW for version in answers.versions.values())


@pytest.fixture
def door(knock: Make, model: Make) -> Any:
    """A telemetry door with a registered model."""
    opened = knock(TelemetryIntake, "acme/m1")
    opened.send(model())
    return opened


def test_label_carries_every_answer_and_the_lag(door: Any, samples: Make, labels: Make) -> None:
    """Versions are sorted by role and name; NaN is where one did not answer; the champion's time counts."""
    door.send(samples(["a", "b"], "v9", "shadow", time=90.0, prediction=[5, 6]))
    door.send(samples(["a", "b"], "v1", "champion", time=100.0, prediction=[1, 2]))
    door.send(samples(["b"], "v2", "canary", time=110.0, prediction=[3]))

    (emit,) = door.send(labels({"a": 1.0, "b": 2.0}, time=200.0))

    assert (emit.log, emit.subject, emit.data.request) == (TIMELINE, None, ["a", "b"])
    assert [(answer.role, answer.version) for answer in emit.data.answers] == [
        ("canary", "v2"),
        ("champion", "v1"),
        ("shadow", "v9"),
    ]
    assert f8(emit.data.answers[0].prediction).tolist()[1:] == [3.0]
    assert np.isnan(f8(emit.data.answers[0].prediction)[0])
    assert f8(emit.data.answers[1].score).tolist() == [0.9, 0.9]
    assert f8(emit.data.lag_seconds).tolist() == [100.0, 99.0]
    assert emit.data.provenance.source == "/client"


def test_lag_without_a_champion_counts_from_the_first_answer(door: Any, samples: Make, labels: Make) -> None:
    """Where no champion answered, the earliest answer's time counts."""
    door.send(samples(["a"], "v2", "canary", time=110.0))
    door.send(samples(["a"], "v9", "shadow", time=90.0))

    (emit,) = door.send(labels({"a": 1.0}, time=200.0))

    assert f8(emit.data.lag_seconds).tolist() == [110.0]


def test_unmatched_labels_are_refused(door: Any, labels: Make) -> None:
    """No request of the event is known: the whole event is refused, and says whose labels they are."""
    with pytest.raises(Reject, match=r"2 of 2 labels .* 'x', 'y'") as refusal:
        door.send(labels({"x": 1.0, "y": 1.0}))

    assert refusal.value.reason == "label_unmatched"


@pytest.mark.parametrize("is_json", [False, True])
def test_partly_unmatched_labels_are_split(door: Any, samples: Make, labels: Make, is_json: bool) -> None:
    """What matches goes on; the event lies in the quarantine, and can be put back once the answers are there."""
    door.send(samples(["a"]))
    data = labels({"a": 1.0, "late": 0.0})
    if is_json:
        value = b'{"request":["a","late"],"label":[1,0],"time":[200,200]}'
        headers = {"ce_id": "l", "ce_source": "/client", "ce_type": Labels.TYPE, "content-type": "application/json"}
        joined, refused = door.put(value, headers)
    else:
        joined, refused = door.send(data, id_="l")
    refusal = refused.data

    assert (joined.data.request, refused.log, refusal.reason) == (["a"], QUARANTINE, "label_unmatched")
    assert isinstance(refusal, EventRefused)
    assert refusal.detail.startswith("1 of 2 labels")
    assert "'late'" in refusal.detail
    assert door.state.n_unmatched_labels == 1
    assert (refusal.log, refusal.service) == ("homeostat.telemetry", "intake.telemetry")
    assert b64decode(refusal.key) == b"acme/m1"

    door.send(samples(["late"]))
    (again,) = door.put(b64decode(refusal.value), {name: b64decode(value).decode() for name, value in refusal.headers})
    assert again.data.request == ["late"]
    assert door.state.n_repeated_labels == 1


def test_repeated_label_is_dropped_and_another_one_corrects(door: Any, samples: Make, labels: Make) -> None:
    """The same label twice says nothing new; a different one is a late correction."""
    door.send(samples(["a"]))
    door.send(labels({"a": 1.0}))

    assert door.send(labels({"a": 1.0})) == ()
    assert door.state.n_repeated_labels == 1
    (corrected,) = door.send(labels({"a": 0.0}))
    assert f8(corrected.data.label).tolist() == [0.0]


def test_inline_labels_stay_and_are_remembered(door: Any, samples: Make, labels: Make) -> None:
    """A label inside the champion's samples is joined already; a shadow's says nothing of the champion's row."""
    (emit,) = door.send(samples(["a", "b"], label=[1.0, math.nan]))
    door.send(samples(["b"], "v9", "shadow", label=[1.0]))

    assert f8(emit.data.label)[0] == 1.0
    (joined,) = door.send(labels({"a": 1.0, "b": 1.0}))
    assert joined.data.request == ["b"]


def test_oldest_requests_are_forgotten(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """Labels later than the window of requests are unmatched."""
    door = knock(TelemetryIntake, "acme/m1", join_requests=3)
    door.send(model())
    for request in "abcd":
        door.send(samples([request]))

    with pytest.raises(Reject):
        door.send(labels({"a": 1.0}))

    (emit,) = door.send(labels({"b": 1.0, "c": 1.0, "d": 1.0}))
    assert emit.data.request == ["b", "c", "d"]


def test_version_that_answered_longest_ago_is_forgotten(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """Versions are bounded too; a request that only a forgotten one answered has no answers and no lag."""
    door = knock(TelemetryIntake, "acme/m1", join_versions=2)
    door.send(model())
    for version in ("v1", "v2", "v3"):
        door.send(samples([version], version))

    (emit,) = door.send(labels({"v1": 1.0, "v3": 1.0}))

    assert [answer.version for answer in emit.data.answers] == ["v3"]
    assert np.isnan(f8(emit.data.lag_seconds)).tolist() == [True, False]


def test_request_answered_twice_in_one_event_counts_once(door: Any, samples: Make, labels: Make) -> None:
    """The last answer of a version holds."""
    door.send(samples(["a", "b", "a"], prediction=[1, 2, 3]))

    (emit,) = door.send(labels({"a": 1.0, "b": 1.0}))

    assert f8(emit.data.answers[0].prediction).tolist() == [3.0, 2.0]


def test_event_longer_than_the_window_keeps_its_end(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """Only the last requests of a long event can be joined."""
    door = knock(TelemetryIntake, "acme/m1", join_requests=4)
    door.send(model())
    door.send(samples([str(i) for i in range(10)], prediction=[float(i) for i in range(10)]))

    joined, refused = door.send(labels({str(i): 1.0 for i in range(10)}))

    assert joined.data.request == ["6", "7", "8", "9"]
    assert f8(joined.data.answers[0].prediction).tolist() == [6.0, 7.0, 8.0, 9.0]
    assert refused.data.detail.startswith("6 of 10")
