"""Drift put in on purpose: what changes, what does not, and that it is found."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.unit.drift_detector.stream import Stream, of, registered, run

from homeostat.core import Payload
from homeostat.events import DriftDetected, Labels, Samples
from homeostat.events.columns import f8
from homeostat_tools.drift_injection import Injection, Injector


def inject(injection: Injection, events: Iterator[Samples | Labels]) -> Iterator[Samples | Labels]:
    """Change a whole stream, lazily."""
    injector = Injector(injection)
    for event in events:
        changed = injector.samples(event) if isinstance(event, Samples) else injector.labels(event)
        if changed is not None:
            yield changed


def _stream(n: int = 40) -> list[Samples]:
    stream = Stream(1)
    return [stream.samples() for _ in range(n)]


def _column(events: list[Samples], name: str) -> np.ndarray:
    columns: list[np.ndarray] = [event.matrix()[event.features.index(name)] for event in events]
    return np.concatenate(columns)


@pytest.mark.parametrize(
    ("injection", "mean", "deviation"),
    [
        (Injection(kind="mean-shift", feature="f1", size=2.0), 2.0, 1.0),
        (Injection(kind="scale", feature="f1", size=3.0), 0.0, 3.0),
        (Injection(kind="feature-outage", feature="f1"), 0.0, 0.0),
    ],
)
def test_a_feature_moves_from_the_onset_on(injection: Injection, mean: float, deviation: float) -> None:
    """The rows before and the other features stay as they are."""
    before = _stream()

    after = [event for event in inject(injection, iter(before)) if isinstance(event, Samples)]

    moved = _column(after, "f1")
    assert np.array_equal(moved[:1000], _column(before, "f1")[:1000])
    assert np.array_equal(_column(after, "f0"), _column(before, "f0"))
    assert moved[1000:].mean() == pytest.approx(mean, abs=0.3)
    assert moved[1000:].std() == pytest.approx(deviation, abs=0.3)
    assert [event.is_synthetic for event in after] == [False] * 20 + [True] * 20


def test_two_classes_change_their_names() -> None:
    """In labels that come with the rows and in those that come late, of the rows served after the onset."""
    stream, injector = Stream(2), Injector(Injection(kind="label-swap", label=1.0, other=2.0, onset=50))
    rows = [stream.samples() for _ in range(2)]
    swap = {1.0: 2.0, 2.0: 1.0}

    first, second = (injector.samples(event) for event in rows)
    late = [injector.labels(stream.late(event, event)) for event in rows]

    assert first is not None
    assert second is not None
    assert first.label == rows[0].label
    truth = f8(rows[1].label)[:10].tolist()
    assert f8(second.label)[:10].tolist() == [swap.get(value, value) for value in truth]
    assert late[0] is not None
    assert f8(late[0].label).tolist() == f8(rows[0].label)[:10].tolist()
    assert late[1] is not None
    assert f8(late[1].label).tolist() == [swap.get(value, value) for value in truth]


def test_rows_of_a_class_are_left_out_with_their_labels() -> None:
    """All of them with a share of 1; what is left keeps its order and its columns."""
    stream, injector = Stream(3, n_labels=50), Injector(Injection(kind="class-prior", label=4.0, size=1.0, onset=1))
    rows = stream.samples()
    keep = f8(rows.label) != 4.0
    keep[0] = True

    left, late = injector.samples(rows), injector.labels(stream.late(rows, rows))

    assert left is not None
    assert left.request == [request for request, is_kept in zip(rows.request, keep, strict=True) if is_kept]
    assert np.array_equal(left.matrix(), rows.matrix()[:, keep])
    assert late is not None
    assert late.request == left.request


def test_a_gradual_and_a_recurring_course() -> None:
    """Half the rows in the middle of a gradual onset; every second stretch of a recurring one."""
    before = _stream()
    gradual = Injection(kind="feature-outage", feature="f0", course="gradual", onset=500, width=1000)
    recurring = Injection(kind="feature-outage", feature="f0", course="recurring", onset=500, width=100)

    def out(injection: Injection) -> np.ndarray:
        is_out: np.ndarray = (
            _column([event for event in inject(injection, iter(before)) if isinstance(event, Samples)], "f0") == 0.0
        )
        return is_out

    assert out(gradual)[:500].sum() == 0
    assert 0.4 < out(gradual)[900:1100].mean() < 0.6
    assert out(gradual)[1500:].all()
    assert out(recurring)[500:600].all()
    assert not out(recurring)[600:700].any()


def test_what_was_injected_is_found_and_marked() -> None:
    """The detector names the feature and says that it is synthetic."""
    events = inject(Injection(kind="mean-shift", feature="f2", size=1.0), iter(_stream()))
    timeline: list[Payload] = [registered(), *events]

    (_, found), *_ = of(run(timeline)[1], DriftDetected)

    assert found.is_synthetic
    assert found.features == ("f2",)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "scale"}, "needs the name of a feature"),
        ({"kind": "class-prior", "size": 2.0}, "a share"),
        ({"kind": "label-swap", "label": 1.0, "other": 1.0}, "two classes"),
        ({"kind": "label-swap", "onset": 0}, "at least 1 row"),
    ],
)
def test_what_makes_no_drift_is_refused(fields: dict[str, object], reason: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=reason):
        Injection(**fields)  # type: ignore[arg-type]  # wrong on purpose


def test_an_unknown_feature_is_refused() -> None:
    """With those there are."""
    with pytest.raises(ValueError, match="there are: f0, f1, f2"):
        Injector(Injection(kind="scale", feature="f9")).samples(_stream(1)[0])
