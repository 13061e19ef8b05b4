"""Rows: medians, ratios, quantiles, and the shape of the JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat_lab.bench.row import missing, quantile, row

FIGURES = st.lists(st.floats(min_value=1e-3, max_value=1e9), min_size=1, max_size=9)
KEYS = ["name", "unit", "value", "reference", "reference_value", "ratio", "runs", "low", "high", "excluded"]


@given(values=FIGURES, references=FIGURES)
def test_the_ratio_is_that_of_the_medians(values: list[float], references: list[float]) -> None:
    """`ratio` times the reference's median gives the value's, which lies between the extremes."""
    made = row("a", "s", values, reference="b", references=references)

    assert made.value is not None
    assert made.ratio is not None
    assert made.reference_value is not None
    assert made.ratio * made.reference_value == pytest.approx(made.value)
    assert min(values) <= made.value <= max(values)
    assert made.runs == len(values)
    assert (made.low, made.high) == (min(values), max(values))


def test_a_row_has_the_keys_that_are_documented_in_order() -> None:
    """A JSON row has exactly these keys, and survives JSON."""
    made = row("a", "s", [2.0, 8.0, 3.0], reference="b", references=[6.0]).as_dict()

    assert list(made) == KEYS
    assert json.loads(json.dumps(made)) == made
    assert (made["value"], made["ratio"]) == (3.0, 0.5)


def test_without_a_reference_there_is_no_ratio() -> None:
    """A figure that stands alone says so with nulls."""
    made = row("a", "MB", [1.0])

    assert (made.reference, made.reference_value, made.ratio) == ("", None, None)


def test_a_reference_of_nothing_gives_no_ratio() -> None:
    """Nobody divides by zero."""
    assert row("a", "s", [1.0], reference="b", references=[0.0]).ratio is None


def test_what_could_not_be_measured_says_why() -> None:
    """The row is there, without a value, with the reason where the reference would be."""
    made = missing("a", "events/s", "Faust does not import")

    assert (made.value, made.reference, made.runs) == (None, "Faust does not import", 0)
    assert list(made.as_dict()) == KEYS


@given(values=FIGURES, share=st.floats(min_value=0.01, max_value=1.0))
def test_a_quantile_is_the_least_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    """At least `share` of the values are at or below it, and below it there are fewer."""
    found = quantile(values, share)

    n = len(values)
    assert sum(value <= found for value in values) >= share * n
    assert sum(value < found for value in values) < share * n
