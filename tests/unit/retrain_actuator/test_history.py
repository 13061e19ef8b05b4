"""Which rows a closed range of the timeline holds."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.core import Event, Reject, Retry
from homeostat.events import Labels, Range, Samples
from homeostat.services.retrain_actuator.history import EventHistory, LabelledRows

MODEL = "dock/camera-1"
MakeEvent = Callable[..., Event]
MakeSamples = Callable[..., Samples]
MakeLabels = Callable[..., Labels]
Window = Callable[[int, int], Range]


def found(events: list[Event], window: Range) -> tuple[list[float], list[float]]:
    rows = LabelledRows(window, MODEL)
    for event in events:
        rows.add(event)
    x, y = rows.rows()
    return [float(row[0]) for row in x], y.tolist()


def test_both_ends_are_included(event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window) -> None:
    """Labels of the first and the last record count, those outside do not."""
    events = [event(samples(range(8)), 0), *(event(labels([i]), i + 1) for i in range(8))]

    assert found(events, window(3, 6)) == ([2, 3, 4, 5], [2, 0, 1, 2])


def test_ends_are_numbers_not_texts(event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window) -> None:
    """Record 10 comes after record 9."""
    events = [event(samples([0, 1]), 8), event(labels([0]), 9), event(labels([1]), 10)]

    assert found(events, window(9, 10)) == ([0, 1], [0, 1])


def test_rows_are_in_the_order_of_their_labels(
    event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window
) -> None:
    """Inline and late labels are one history."""
    events = [event(samples([0, 1]), 0), event(samples([2, 3], label=[2.0, None]), 1), event(labels([1, 3, 0]), 2)]

    assert found(events, window(0, 2))[0] == [2, 1, 3, 0]


def test_a_request_gives_one_row(event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window) -> None:
    """Champion and canary answer the same request; shadows are not asked for inputs."""
    events = [
        event(samples([0]), 0),
        event(samples([0], "canary"), 1),
        event(samples([1], "shadow"), 2),
        event(labels([0, 1]), 3),
        event(labels([0]), 4),
    ]

    assert found(events, window(0, 4)) == ([0], [0])


def test_other_histories_are_not_read(
    event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window
) -> None:
    """Records of another model or of another source have other positions."""
    events = [
        event(samples([0]), 0),
        event(samples([1]), 1, subject="dock/camera-2"),
        event(labels([0, 1]), 2, source="/homeostat/intake.reports/x"),
        event(labels([0]), 1),
    ]

    assert found(events, window(0, 1)) == ([0], [0])


def test_a_window_without_rows_is_empty(event: MakeEvent, labels: MakeLabels, window: Window) -> None:
    """Labels of requests whose input nobody captured give nothing."""
    assert found([event(labels([0]), 0)], window(0, 0)) == ([], [])


def test_the_end_is_waited_for(event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window) -> None:
    """Until its last record can be seen a range gives no rows at all."""
    events = [event(samples([0, 1]), 0), event(labels([0]), 1)]
    history = EventHistory(lambda _: events)
    with pytest.raises(Retry, match="cannot be seen yet"):
        history.labelled(window(0, 2), MODEL)

    events.append(event(labels([1]), 2))

    assert len(history.labelled(window(0, 2), MODEL)[1]) == 2


def test_a_range_of_something_else_is_refused(window: Window) -> None:
    """Its ends must be positions."""
    with pytest.raises(Reject, match="id_invalid"):
        LabelledRows(window(0, 1).model_copy(update={"first": "abc"}), MODEL)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 9), first=st.integers(0, 9), last=st.integers(0, 9))
def test_what_comes_after_the_end_changes_nothing(
    event: MakeEvent, samples: MakeSamples, labels: MakeLabels, window: Window, cut: int, first: int, last: int
) -> None:
    """A range is closed: the same rows come from any log that reaches its end."""
    events = [event(samples([i]) if i % 2 == 0 else labels([i - 1]), i) for i in range(10)]
    last = max(first, last)

    assert found(events[: max(cut, last) + 1], window(first, last)) == found(events, window(first, last))
