"""Late labels find their answers."""

import math
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.intake.test_join_properties import Make

from homeostat.core import Reject
from homeostat.events import Answer, EventRefused, Labels
from homeostat.events.columns import f8, pack
from homeostat.events.logs import QUARANTINE, TIMELINE
from homeostat.services.intake.hashing import hashes_of, is_kept
from homeostat.services.intake.telemetry import TelemetryIntake


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


@given(st.lists(st.text(max_size=40), max_size=40) | st.lists(st.text("ab\0", max_size=40), max_size=40))
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
