"""The join agrees with a naive one, is bounded, and is restored as it was."""

import contextlib
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import encode_state
from homeostat.core import Emit, Reject
from homeostat.events import Labels, Samples
from homeostat.events.columns import Role, f8, pack
from homeostat.events.logs import QUARANTINE, TIMELINE
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
