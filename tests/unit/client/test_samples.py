"""Arrays and rows become payloads that the door takes, whatever their number."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.client.samples import labels_of, samples_of
from homeostat.codec import encode_payload
from homeostat.codec.columns import MAX_ROWS
from homeostat.core import Reject
from homeostat.events.columns import f8
from homeostat.events.logs import MAX_RECORD_BYTES


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 25_000), every=st.integers(1, 7))
def test_splitting_loses_nothing(n: int, every: int) -> None:
    """Any number of rows comes out in order, in events within the limits, each captured row with its input."""
    captured = list(range(0, n, every))
    inputs = np.repeat(np.arange(n, dtype=np.float32)[captured, None], 3, axis=1)

    events = list(
        samples_of(
            "v1",
            "champion",
            [str(i) for i in range(n)],
            time=0.0,
            prediction=np.arange(n),
            features={"a": np.arange(n) * 2.0},
            inputs=inputs,
            captured=captured,
        )
    )

    assert all(1 <= event.n_rows <= MAX_ROWS for event in events)
    assert np.concatenate([f8(event.prediction) for event in events]).tolist() == list(range(n))
    assert [request for event in events for request in event.request] == [str(i) for i in range(n)]
    for event in events:
        assert event.captured_inputs()[:, 0].tolist() == f8(event.prediction)[event.captured].tolist()
        assert (event.matrix()[0] == f8(event.prediction) * 2).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"prediction": [1.0]},
        {"prediction": ["x", "y"]},
        {"prediction": [np.nan, 1.0]},
        {"features": {"a": [1.0, 2.0, 3.0]}},
        {"captured": [0]},
        {"inputs": [[1.0]], "captured": [2]},
        {"inputs": [[1.0], [2.0]], "captured": [1, 0]},
        {"score": [[1.0, 2.0]]},
    ],
)
def test_columns_that_do_not_fit_are_refused_at_the_caller(wrong: dict[str, object]) -> None:
    """The mistake is raised where it is made, before anything is sent."""
    columns: dict[str, object] = {"prediction": [1.0, 0.0]} | wrong

    with pytest.raises(Reject, match="payload_invalid"):
        list(samples_of("v", "champion", ["a", "b"], time=0.0, **columns))  # type: ignore[arg-type]  # wrong on purpose


def test_labels_share_a_time() -> None:
    """One time stands for all."""
    (labels,) = labels_of(["a", "b"], label=[1, 0], time=3.0)

    assert f8(labels.time).tolist() == [3.0, 3.0]


def test_labels_bring_what_was_answered() -> None:
    """Version, prediction, score and lag, row by row, also where they are cut into several events."""
    n = MAX_ROWS + 5
    requests = [f"r{row}" for row in range(n)]
    half = np.full(n, 0.5)

    parts = list(
        labels_of(
            requests,
            label=np.ones(n),
            time=np.arange(n, dtype=float),
            version="v7",
            role="canary",
            prediction=np.arange(n),
            score=half,
            predicted=np.arange(n) - 3.0,
        )
    )

    answers = [answer for part in parts for answer in part.answers]
    assert len(parts) == len(answers) > 1
    assert {(answer.version, answer.role) for answer in answers} == {("v7", "canary")}
    assert np.concatenate([f8(answer.prediction) for answer in answers]).tolist() == list(range(n))
    assert np.concatenate([f8(answer.score) for answer in answers]).tolist() == half.tolist()
    assert np.concatenate([f8(part.lag_seconds) for part in parts]).tolist() == [3.0] * n
    (bare,) = labels_of(["a"], label=[1], time=1.0, version="v", prediction=[0])
    assert (np.isnan(f8(bare.answers[0].score)).tolist(), bare.lag_seconds) == ([True], b"")


@pytest.mark.parametrize(
    "odd",
    [
        {"version": "v"},
        {"prediction": [1.0]},
        {"score": [1.0]},
        {"predicted": 1.0},
        {"version": "v", "prediction": [1.0, 2.0]},
        {"version": "", "prediction": [1.0]},
    ],
)
def test_labels_that_bring_half_of_an_answer_are_refused(odd: dict[str, Any]) -> None:
    """As at the door."""
    with pytest.raises(Reject, match="payload_invalid"):
        list(labels_of(["a"], label=[1], time=1.0, **odd))


def test_a_row_that_is_no_record_is_refused_with_what_to_do() -> None:
    """The limit, how much of it fits, and that nothing smaller is refused."""
    with pytest.raises(Reject, match=r"output_too_large: one row takes 25.* at most 1000000.* 2449.. fit") as refused:
        list(samples_of("v", "champion", ["a"], time=0.0, prediction=[1], inputs=np.zeros((1, 625_000))))

    fit = int(refused.value.detail.split(" fit")[0].rsplit(" ", 1)[1])
    list(samples_of("v", "champion", ["a"], time=0.0, prediction=[1], inputs=np.zeros((1, fit))))
    many = {f"{'f' * 100}{at}": [1.0] for at in range(5_000)}
    with pytest.raises(Reject, match=r"output_too_large.*fewer columns"):
        list(samples_of("v", "champion", ["a"], time=0.0, prediction=[1], features=many))


@pytest.mark.parametrize("letter", ["r", "ü", "😀"])
def test_ids_count_in_the_size_of_an_event(letter: str) -> None:
    """Ten thousand of the longest ids are several events, and a label has room for the answers of 16 versions."""
    requests = [f"{letter * 122}{at:06d}" for at in range(MAX_ROWS)]

    samples = list(samples_of("v", "champion", requests, time=0.0, prediction=np.zeros(MAX_ROWS)))
    labels = list(labels_of(requests, label=np.zeros(MAX_ROWS), time=0.0))

    assert sum(event.n_rows for event in samples) == sum(event.n_rows for event in labels) == MAX_ROWS
    assert max(len(encode_payload(event)[0]) for event in samples) < MAX_RECORD_BYTES * 0.9
    assert max(len(encode_payload(event)[0]) + 16 * 16 * event.n_rows for event in labels) < MAX_RECORD_BYTES * 0.9


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.ma.array([1, 2], mask=[False, True]), [1.0, np.nan]),
        ([1, None], [1.0, np.nan]),
        (np.array([1, None], object), [1.0, np.nan]),
        (["1", "2"], [1.0, 2.0]),
        ([True, False], [1.0, 0.0]),
    ],
)
def test_numbers_come_in_many_forms(values: object, expected: list[float]) -> None:
    """What is missing stays missing, masked values too."""
    columns = {"x": values, "y": [0.0, 0.0]}
    (samples,) = samples_of("v", "champion", ["a", "b"], time=0.0, prediction=[1, 0], features=columns)  # type: ignore[arg-type]  # any form

    assert np.array_equal(samples.matrix()[0], expected, equal_nan=True)


def test_numbers_of_pandas_are_numbers() -> None:
    """Its own missing value is a missing one."""
    pd = pytest.importorskip("pandas")
    columns = {"x": pd.Series([1, None], dtype="Int64"), "y": pd.Series([0.5, 1.5])}

    (samples,) = samples_of("v", "champion", pd.Series(["a", "b"]), time=0.0, prediction=[1, 0], features=columns)

    assert np.array_equal(samples.matrix(), [[1.0, np.nan], [0.5, 1.5]], equal_nan=True)
    assert samples.request == ["a", "b"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"features": {"x": [1e39, 0.0]}}, "out_of_range: feature x, value 0: must fit into float32"),
        ({"features": {"x": np.array(["2026", "2027"], "M8[D]")}}, "feature x is numbers, not datetime64"),
        ({"features": {"x": [1j, 0]}}, "feature x is numbers, not complex"),
        ({"prediction": [[1], [2, 3]]}, "prediction is numbers"),
        ({"request": "ab"}, "a list of ids, one per row, not one text"),
        ({"request": [None, "b"]}, "a request id is a string, an integer or a UUID, not NoneType"),
        ({"request": ["a", ""]}, "1 to 128 characters"),
        ({"request": ["a", "b" * 129]}, "1 to 128 characters"),
        ({"inputs": [[1.0], [1.0, 2.0]]}, "inputs is numbers"),
        ({"inputs": [[1.0], [2.0]], "captured": [True, False]}, "captured is row numbers"),
        ({"latency_seconds": ["slow", "fast"]}, "latency_seconds is numbers"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, object], reason: str) -> None:
    """Which column, and what it should be."""
    columns: dict[str, object] = {"prediction": [1.0, 0.0], "request": ["a", "b"]} | wrong

    with pytest.raises(Reject, match=reason):
        list(samples_of("v", "champion", time=0.0, **columns))  # type: ignore[arg-type]  # wrong on purpose


def test_latencies_in_milliseconds_are_seconds() -> None:
    """Durations know their unit."""
    (samples,) = samples_of(
        "v", "champion", ["a"], time=0.0, prediction=[1], latency_seconds=[np.timedelta64(35, "ms")]
    )

    assert f8(samples.latency_seconds).tolist() == [0.035]
