"""How large what comes from outside may be: no admitted value may overflow a sum, a product or a snapshot later.

The bounds are far beyond any measurement, and far enough from the limits of float64 (1.8e308) and of 64-bit integers
that folds need no checks of their own: products of a few bounded numbers, and the squares of these, stay finite. What
a fold computes may be larger than what it was told; payloads that only folds write have no bounds but `finite`.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

LARGEST_INTEGER: Final = 2**53
"""Every JSON reader can hold it exactly (RFC 8259, 6), and a thousand of them fit into a snapshot's integer."""

LARGEST: Final = 1e30
"""Of any number: signals, features, meta-features, losses. Its square and the square of that are finite."""

LARGEST_SINGLE: Final = 3.4028234663852886e38
"""The largest finite float32."""

MOST_MONEY: Final = 1e15
"""More than a year of everybody's work, in any currency."""

MOST_SECONDS: Final = 1e9
"""31 years: of a training, or a window."""

MOST_LATENCY: Final = 1e6
"""Seconds of one prediction: 11 days."""

LEAST: Final = 1e-9
"""What is divided by is not smaller, unless it is 0, which is nobody's divisor: a nanosecond, a billionth of a coin."""

LAST_SECOND: Final = 253_402_300_799
"""The last one of the year 9999, UTC: what RFC 3339 can write."""

MOST_MILLIS: Final = 10**12
"""Of a period, a wait or a life: 31 years."""

MOST_LABELS: Final = 10**9
"""Labelled rows that anybody waits for."""

MOST_ARMS: Final = 64
"""Arms of a family, candidates of an action, steps of a canary."""

IDENTIFIER_LENGTH: Final = 1000
"""Of anything that names something and is no `Name`: it may be quoted whole in a sentence of 2,000 characters."""


def _no_dust(value: float) -> float:
    if 0.0 < value < LEAST:
        raise ValueError(f"must be 0 or at least {LEAST:g}")
    return value


def _schema(most: float) -> WithJsonSchema:
    """Say in a schema what `_no_dust` demands."""
    least: list[dict[str, float]] = [{"const": 0.0}, {"minimum": LEAST}]
    return WithJsonSchema({"type": "number", "minimum": 0.0, "maximum": most, "anyOf": least})


def _bounded(value: object) -> object:
    """Name the bound of a `Scalar`: a union that fails says something of each of its members."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        raise ValueError(f"an integer lies within ±{LARGEST_INTEGER}")
    if isinstance(value, float) and not abs(value) <= LARGEST:
        raise ValueError(f"a number lies within ±{LARGEST:g}")
    return value


_Integer = Annotated[int, Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
"""Any number that is measured or expected."""

Size = Annotated[float, Field(ge=0.0, le=LARGEST)]
"""A number that is not negative; money that may be a product of times and prices."""

Scalar = Annotated[bool | _Integer | Number | str, BeforeValidator(_bounded)]
"""A setting, an attribute: whatever JSON has that is neither a list nor an object."""

Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Positive = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
Whole = _Integer

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""Of a generator of random numbers: 63 bits, and no quantity. A JSON reader that has only float64 cannot hold it."""

Amount = Annotated[float, Field(ge=0.0, le=MOST_MONEY), AfterValidator(_no_dust), _schema(MOST_MONEY)]
"""Money, a price, a weight of either; 0 or at least 1e-9."""

Seconds = Annotated[float, Field(ge=0.0, le=MOST_SECONDS), AfterValidator(_no_dust), _schema(MOST_SECONDS)]
"""How long something took; 0 or at least 1e-9."""

Duration = Annotated[float, Field(ge=LEAST, le=MOST_SECONDS)]
"""Seconds of something that does take time."""

Latency = Annotated[float, Field(ge=LEAST, le=MOST_LATENCY)]
"""Seconds of a prediction."""

Delay = Annotated[float, Field(ge=0.0, le=MOST_LATENCY)]
"""Seconds of one prediction as measured: a clock may be too coarse to see it."""

Moment = Annotated[float, Field(ge=0.0, le=LAST_SECOND)]
"""Seconds since the epoch, UTC."""

Single = Annotated[float, Field(ge=-LARGEST_SINGLE, le=LARGEST_SINGLE)]
"""A number that is kept as float32."""

Millis = Annotated[int, Field(ge=0, le=1000 * LAST_SECOND + 999)]
"""Milliseconds since the epoch, UTC."""

MillisLong = Annotated[int, Field(ge=1, le=MOST_MILLIS)]
"""Milliseconds that something lasts."""

Labels = Annotated[int, Field(ge=1, le=MOST_LABELS)]
"""Labelled rows that are waited for."""

Identifier = Annotated[str, StringConstraints(max_length=IDENTIFIER_LENGTH)]
"""Identity of an event or an action, a `ce_source`, a `ce_id`, the name of a log."""
