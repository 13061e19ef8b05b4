"""Late labels find their answers."""

import contextlib
import math
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import encode_state
from homeostat.core import Emit, Reject
from homeostat.events import Answer, EventRefused, Labels, Samples
from homeostat.events.columns import Role, f8, pack
from homeostat.events.logs import QUARANTINE, TIMELINE
from homeostat.services.intake.hashing import hashes_of, is_kept
from homeostat.services.intake.telemetry import TelemetryIntake

Make = Callable[..., Any]
BLOCK = 4
"""Rows of a block: few, so that most of what is found lies in one."""

VERSIONS: list[tuple[Role, str]] = [("champion", "v1"), ("canary", "v2"), ("shadow", "a.b")]


class NaiveJoin:
    """The join by plain dictionaries, without blocks, hashes or bounds."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
        self.labels: dict[str, float] = {}
        self.inline: dict[str, float] = {}

    def observe(self, samples: Samples) -> None:
        """Keep answers, the last one of a version to a request."""
        inline = f8(samples.label).tolist() if samples.label and samples.role == "champion" else [math.nan] * 99
        said = self.answers.setdefault((samples.role, samples.version), {})
        for row, request in enumerate(samples.request):
            said[request] = (f8(samples.time)[row], f8(samples.prediction)[row])
            if not math.isnan(inline[row]):
                self.inline[request] = inline[row]

    def label(self, labels: Labels) -> tuple[list[Any], list[str]]:
        """Return joined rows (request, label, predictions by version, lag) and the unmatched requests."""
        joined, unmatched = [], []
        for request, label, time in zip(labels.request, f8(labels.label), f8(labels.time), strict=True):
            said = {key: kept[request] for key, kept in self.answers.items() if request in kept}
            if not said:
                unmatched.append(request)
            elif self.labels.get(request, self.inline.get(request)) != label:
                self.labels[request] = label
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
        score=pack([number / 3 for number in draw(numbers)]),
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
    door, naive = knock(TelemetryIntake, "acme/m1", join_block_rows=BLOCK), NaiveJoin()
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
        before = door.fold.counts.get("label_repeated", 0)

        emits = door.send(data)

        assert rows_of(emits) == joined
        assert [emit.log for emit in emits] == [TIMELINE] * bool(joined) + [QUARANTINE] * bool(unmatched)
        assert door.fold.counts.get("label_repeated", 0) - before == data.n_rows - len(joined) - len(unmatched)


@given(histories)
def test_restored_door_goes_on_as_if_nothing_had_happened(
    knock: Make, model: Make, history: list[Samples | Labels]
) -> None:
    """A state through the snapshot codec after every step, pieces and all, says the same and ends the same."""
    plain, restored = (
        knock(
            TelemetryIntake,
            "acme/m1",
            is_restored=is_restored,
            join_block_rows=BLOCK,
            join_memory_bytes=3000,
            join_window_ms=20,
            deduplication_events=3,
        )
        for is_restored in (False, True)
    )
    for data in [model(), *history, model()]:
        said = []
        for door in (plain, restored):
            door.now += 1
            try:
                said.append(door.send(data, id_=f"{len(history) % 4}-{door.offset % 7}"))
            except Reject as reject:
                said.append((reject.reason, reject.detail))

        assert said[0] == said[1]
    assert encode_state(plain.state) == encode_state(restored.state)
    assert plain.state.join.blocks.held.keys() == restored.state.join.blocks.held.keys()


def test_memory_is_bounded_and_its_sample_is_whole(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """Beyond the bound half of the requests are kept, and half of these: with all that was said to them, or nothing."""
    door = knock(TelemetryIntake, "acme/m1", join_block_rows=64, join_memory_bytes=64 * 1024)
    door.send(model())
    for n in range(200):
        requests = [f"r-{n}-{i}" for i in range(20)]
        for version, role in (("v1", "champion"), ("v2", "shadow")):
            door.send(samples(requests, version, role))

    join = door.state.join
    assert join.blocks.n_bytes(join.answered.order) <= 48 * 1024
    assert join.answered.level >= 2
    n_joined = 0
    for n in range(200):
        emits = door.send(labels({f"r-{n}-{i}": 1.0 for i in range(20)}))
        for emit in emits:
            n_joined += emit.data.n_rows
            assert [answer.role for answer in emit.data.answers] == ["champion", "shadow"]
            assert not any(np.isnan(f8(answer.prediction)).any() for answer in emit.data.answers)
    assert 100 < n_joined < 3000
    assert door.fold.counts["label_unsampled"] == 4000 - n_joined
    assert "label_unmatched" not in door.fold.counts


def test_a_stranger_among_sampled_ones_is_told_apart_if_it_can_be(
    knock: Make, model: Make, samples: Make, labels: Make
) -> None:
    """Of ids that the sample would hold, one that nobody was asked for is refused; of the others nobody knows."""
    door = knock(TelemetryIntake, "acme/m1", join_block_rows=64, join_memory_bytes=64 * 1024)
    door.send(model())
    for n in range(400):
        door.send(samples([f"r-{n}-{i}" for i in range(20)]))

    outcomes = Counter[str]()
    for n in range(500):
        try:
            door.send(labels({f"never-{n}": 1.0}))
            outcomes["passed over"] += 1
        except Reject as reject:
            outcomes[reject.reason] += 1

    assert outcomes["label_unmatched"] > 30
    assert outcomes["passed over"] == door.fold.counts["label_unsampled"] > 200


def test_a_sample_is_given_up_when_there_is_room(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """A burst passes: once it is out of the window, everything is kept again."""
    door = knock(TelemetryIntake, "acme/m1", join_block_rows=64, join_memory_bytes=64 * 1024, join_window_ms=1000)
    door.send(model())
    for n in range(200):
        door.send(samples([f"r-{n}-{i}" for i in range(20)]))
    assert door.state.join.answered.level >= 1
    for n in range(60):
        door.now += 100
        door.send(samples([f"s-{n}-{i}" for i in range(20)]))

    (emit,) = door.send(labels({f"s-{n}-{i}": 1.0 for n in range(55, 60) for i in range(20)}))

    assert door.state.join.answered.level == 0
    assert emit.data.n_rows == 100


def test_a_block_is_never_changed(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """What a snapshot has stored under a number is what the state holds under it, for ever."""
    door = knock(TelemetryIntake, "acme/m1", join_block_rows=32, join_memory_bytes=16 * 1024, join_window_ms=5000)
    door.send(model())
    stored: dict[int, bytes] = {}
    for n in range(150):
        door.now += 100
        door.send(samples([f"r-{n}-{i}" for i in range(10)]))
        if n > 20:
            with contextlib.suppress(Reject):
                door.send(labels({f"r-{n - 20}-{i}": 1.0 for i in range(10)}))
        for number, block in door.state.join.blocks.held.items():
            assert stored.setdefault(number, encode_state(block)) == encode_state(block)

    assert len(stored) > 40
    assert len(door.state.join.blocks.held) < 20


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
    assert door.fold.counts["label_unmatched"] == 1
    assert (refusal.log, refusal.service) == ("homeostat.telemetry", "intake.telemetry")
    assert b64decode(refusal.key or "") == b"acme/m1"

    door.send(samples(["late"]))
    headers = {name: b64decode(value or "").decode() for name, value in refusal.headers}
    (again,) = door.put(b64decode(refusal.value or ""), headers)
    assert again.data.request == ["late"]
    assert door.fold.counts["label_repeated"] == 1


def test_repeated_label_is_dropped_and_another_one_corrects(door: Any, samples: Make, labels: Make) -> None:
    """The same label twice says nothing new; a different one is a late correction."""
    door.send(samples(["a"]))
    door.send(labels({"a": 1.0}))

    assert door.send(labels({"a": 1.0})) == ()
    assert door.fold.counts["label_repeated"] == 1
    (corrected,) = door.send(labels({"a": 0.0}))
    assert f8(corrected.data.label).tolist() == [0.0]


def test_inline_labels_stay_and_are_remembered(door: Any, samples: Make, labels: Make) -> None:
    """A label inside the champion's samples is joined already; a shadow's says nothing of the champion's row."""
    (emit,) = door.send(samples(["a", "b"], label=[1.0, math.nan]))
    door.send(samples(["b"], "v9", "shadow", label=[1.0]))

    assert f8(emit.data.label)[0] == 1.0
    (joined,) = door.send(labels({"a": 1.0, "b": 1.0}))
    assert joined.data.request == ["b"]


@pytest.mark.parametrize("n_others", [0, 300])
def test_labels_come_within_their_window(knock: Make, model: Make, samples: Make, labels: Make, n_others: int) -> None:
    """Six days late they are joined, eight days late they are not, however many came in between."""
    door = knock(TelemetryIntake, "acme/m1", join_block_rows=16)
    door.send(model())
    door.send(samples(["early"]))
    for n in range(n_others):
        door.now += 60_000
        door.send(samples([f"r-{n}"]))
    door.now = 1_000 + 6 * 86_400_000
    (emit,) = door.send(labels({"early": 1.0}))
    assert emit.data.request == ["early"]

    door.now += 2 * 86_400_000
    door.send(samples(["late"]))
    with pytest.raises(Reject, match=r"last 168 h: 'early'"):
        door.send(labels({"early": 0.0}))


def test_the_registration_sets_the_window(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """Shorter or longer than the default."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(label_window_seconds=60.0, label_memory_mib=1))
    door.send(samples(["a"]))
    door.now += 59_000
    door.send(labels({"a": 1.0}))
    door.now += 2_000
    with pytest.raises(Reject, match="label_unmatched"):
        door.send(labels({"a": 0.0}))

    door.send(model(label_window_seconds=30 * 86_400.0))
    door.send(samples(["b"]))
    door.now += 29 * 86_400_000
    (emit,) = door.send(labels({"b": 1.0}))
    assert emit.data.request == ["b"]


def test_versions_that_answered_last_go_on(knock: Make, model: Make, samples: Make, labels: Make) -> None:
    """They are bounded, whatever a stranger invents."""
    door = knock(TelemetryIntake, "acme/m1", join_versions=2)
    door.send(model())
    for version in ("v1", "v2", "v3"):
        door.send(samples(["a"], version))

    (emit,) = door.send(labels({"a": 1.0}))

    assert [answer.version for answer in emit.data.answers] == ["v2", "v3"]


def test_labels_that_bring_their_answers_need_no_window(door: Any) -> None:
    """As JSON and as columns: nothing has to have been seen; the lag is told; a repetition is one."""
    value = (
        b'{"request":["x","y"],"label":[1,0],"time":[200,200],"version":"v7","prediction":[1,1],"score":[0.9,null],'
        b'"predicted":[100,110]}'
    )
    head = {"ce_source": "/batch", "ce_type": Labels.TYPE, "content-type": "application/json"}

    (emit,) = door.put(value, head | {"ce_id": "1"})

    (answer,) = emit.data.answers
    assert (answer.version, answer.role, f8(answer.prediction).tolist()) == ("v7", "champion", [1.0, 1.0])
    assert f8(emit.data.lag_seconds).tolist() == [100.0, 90.0]
    assert door.put(value, head | {"ce_id": "2"}) == ()
    two = [Answer("v1", "champion", pack([1.0]), pack([0.5])), Answer("v2", "canary", pack([0.0]), pack([0.5]))]
    (both,) = door.send(Labels(["z"], pack([1.0]), pack([5.0]), answers=two))
    assert [(a.role, a.version) for a in both.data.answers] == [("canary", "v2"), ("champion", "v1")]
    assert np.isnan(f8(both.data.lag_seconds)).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": [Answer("v1", "champion", pack([1.0, 2.0]), pack([0.5]))]},
        {"answers": [Answer("v1", "champion", pack([1.0]), b"")]},
        {"answers": [Answer("not a name", "champion", pack([1.0]), pack([0.5]))]},
        {"answers": [Answer("v1", "champion", pack([1.0]), pack([0.5]))] * 2},
        {"answers": [Answer(f"v{n}", "shadow", pack([1.0]), pack([0.5])) for n in range(17)]},
        {"lag_seconds": pack([1.0])},
    ],
)
def test_answers_that_do_not_fit_are_refused(door: Any, changes: dict[str, Any]) -> None:
    """With the reason."""
    with pytest.raises(Reject, match="payload_invalid"):
        door.send(Labels(["z"], pack([1.0]), pack([5.0]), **changes))


def test_request_answered_twice_in_one_event_counts_once(door: Any, samples: Make, labels: Make) -> None:
    """The last answer of a version holds."""
    door.send(samples(["a", "b", "a"], prediction=[1, 2, 3]))

    (emit,) = door.send(labels({"a": 1.0, "b": 1.0}))

    assert f8(emit.data.answers[0].prediction).tolist() == [3.0, 2.0]


@given(st.lists(st.text(max_size=40), max_size=40))
def test_ids_are_hashed_the_same_alone_and_together(requests: list[str]) -> None:
    """Few at a time by integers, many by columns: an id has one hash."""
    padding = [f"padding-{i}" * 3 for i in range(17)]
    together = hashes_of([*requests, *padding])[: len(requests)].tolist()

    assert together == [hashes_of([request]).tolist()[0] for request in requests]
    assert len(set(together)) == len(set(requests))


def test_a_sample_of_ids_is_a_share_of_them() -> None:
    """Half of them at the first level, half of those at the next, and so on: each within the one before."""
    hashes = hashes_of([f"{n:08x}-request" for n in range(40_000)])
    before = np.ones(len(hashes), bool)
    for level in range(5):
        kept = is_kept(hashes, level)
        assert abs(kept.mean() - 0.5**level) < 0.01
        assert not (kept & ~before).any()
        before = kept
