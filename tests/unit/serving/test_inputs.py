"""Inputs of any type become numbers and come back; what has no place is refused by name."""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # no stubs
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.core import Reject
from homeostat.inputs import OTHER, Category, Inputs, Number, Text
from homeostat.serving.rows import named

INPUTS = Inputs(age=Number(may_be_missing=True), city=Category("Rome", "Oslo"), title=Text(), price=Number())
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        st.tuples(st.none() | SINGLES, st.none() | st.sampled_from(["Rome", "Oslo"]), st.none() | st.text(), SINGLES),
        min_size=1,
    )
)
def test_what_is_encoded_comes_back(rows: list[tuple[object, ...]]) -> None:
    """Numbers to the bit, categories by name, texts as the same bucket, missing as missing."""
    age, city, title, price = map(list, zip(*rows, strict=True))

    x = INPUTS.encode({"age": age, "city": city, "title": title, "price": price})
    back = INPUTS.decode(x)

    assert x.shape == (len(rows), INPUTS.width) == (len(rows), 5)
    assert np.isfinite(x).all()
    assert [None if np.isnan(value) else value for value in back["age"].tolist()] == age
    assert back["city"].tolist() == city
    assert back["price"].tolist() == price
    text = INPUTS.columns["title"]
    assert isinstance(text, Text)
    assert back["title"].tolist() == [-1 if value is None else text.bucket(str(value)) for value in title]


def test_a_new_category_is_kept_as_another() -> None:
    """It is what a drift may bring."""
    x = INPUTS.encode({"age": [1], "city": ["Lima"], "title": ["a"], "price": [2]})

    assert INPUTS.decode(x)["city"].tolist() == [OTHER]


def test_pandas_and_arrow_say_the_same() -> None:
    """With their own ways to say that something is missing."""
    frame = pd.DataFrame(
        {
            "age": pd.array([3, None], dtype="Int64"),
            "city": pd.Categorical(["Oslo", None]),
            "title": pd.array(["a", pd.NA], dtype="string"),
            "price": [1.5, 2.5],
        }
    )
    table = named(pa.Table.from_pandas(frame))

    assert INPUTS.encode(frame).tolist() == INPUTS.encode(table).tolist()
    assert INPUTS.encode(frame)[1].tolist() == [0.0, 1.0, -1.0, -1.0, 2.5]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"age": [1]}, "no column city; there are age"),
        ({"age": ["old"], "city": ["Rome"], "title": ["a"], "price": [1]}, "column age is a number"),
        ({"age": [1], "city": ["Rome"], "title": ["a"], "price": [1e39]}, "column price is a number"),
    ],
)
def test_what_has_no_place_is_refused_by_name(table: dict[str, list[object]], words: str) -> None:
    """The column stands in the sentence."""
    with pytest.raises(Reject, match=words):
        INPUTS.encode(table)


def test_inputs_of_another_width_are_of_another_contract() -> None:
    """Of four columns that were five numbers."""
    with pytest.raises(Reject, match="take 5 numbers"):
        INPUTS.decode(np.zeros((3, 4), np.float32))


def test_a_number_that_must_not_be_missing_is_not_kept() -> None:
    """It is NaN there, which capture leaves out."""
    assert np.isnan(Inputs(price=Number()).encode({"price": [None, 1.0]})[0, 0])


def test_a_text_has_the_same_bucket_on_every_machine() -> None:
    """Written down once."""
    assert Text(1 << 16).bucket("Brød & kaffe") == 34099
