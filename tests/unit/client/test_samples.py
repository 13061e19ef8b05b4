"""Arrays and rows become payloads that the door takes, whatever their number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.client.samples import columns_of_rows, labels_of, samples_of
from homeostat.codec.columns import MAX_ROWS
from homeostat.core import Reject
from homeostat.events.columns import f8


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


def test_rows_equal_columns() -> None:
    """Rows give the columns they spell; what only some have is missing in the others."""
    rows = [
        {"request": "a", "prediction": 1, "score": 0.5, "x": 1.0, "inputs": [1.0, 2.0]},
        {"request": "b", "prediction": 0, "x": None, "y": 2.0},
    ]

    (columns,) = columns_of_rows(rows)
    (samples,) = samples_of("v", "shadow", columns.pop("request"), time=5.0, **columns)

    assert samples.request == ["a", "b"]
    assert samples.features == ["x", "y"]
    assert np.array_equal(samples.matrix(), [[1.0, np.nan], [np.nan, 2.0]], equal_nan=True)
    assert np.array_equal(f8(samples.score), [0.5, np.nan], equal_nan=True)
    assert samples.captured == [0]


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


def test_rows_without_prediction_are_refused() -> None:
    """A row that says nothing is no sample."""
    with pytest.raises(Reject, match="prediction"):
        list(columns_of_rows([{"request": "a", "x": 1.0}]))


def test_labels_share_a_time() -> None:
    """One time stands for all."""
    (labels,) = labels_of(["a", "b"], label=[1, 0], time=3.0)

    assert f8(labels.time).tolist() == [3.0, 3.0]
