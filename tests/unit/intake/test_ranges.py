"""What is larger than anything measured stays outside, and the refusal names the field and its bound."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from homeostat.admission.ranges import check_samples_ranges
from homeostat.codec import encode_state
from homeostat.core import Reject
from homeostat.events import MODELS, AdviceRequested, BillReceived, EpisodeRecorded, FamilyRegistered, SliObserved
from homeostat.events.bounds import LARGEST, LAST_SECOND, MOST_LATENCY
from homeostat.events.columns import pack
from homeostat.services.intake.telemetry import TelemetryIntake
from homeostat.services.intake.traces import TracesIntake

Make = Callable[..., Any]
RANGES = {
    "time": (0.0, float(LAST_SECOND)),
    "prediction": (-LARGEST, LARGEST),
    "score": (-LARGEST, LARGEST),
    "label": (-LARGEST, LARGEST),
    "latency_seconds": (0.0, MOST_LATENCY),
}
columns = pytest.mark.parametrize("column", RANGES)
HUGE = "9" * 400
EPISODE = {"episode": "e", "task": "t", "configuration": "c", "result": 0.9, "seconds": 1}
FAMILY = {"arms": [{"name": "a"}], "baseline": "a"}
BILL = {"bill": "b", "from_time": 0, "to_time": 1, "amount": 1}
SLI = {"name": "n", "layer": "cost", "value": 1, "window_seconds": 1}
QUESTION: dict[str, Any] = {"task": "t", "question": "seconds"}


def refusal_of(door: Any, send: Callable[[], Any]) -> Reject:
    """Send what must be refused; the state must be as it was."""
    before = encode_state(door.state)
    with pytest.raises(Reject) as refusal:
        send()
    assert encode_state(door.state) == before
    return refusal.value


@columns
def test_a_number_at_the_end_of_its_range_is_admitted(knock: Make, model: Make, samples: Make, column: str) -> None:
    """The ends are inside, and so is a missing value where there may be one."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model(kind="regressor"))  # a classifier's score has a range of its own
    sent = samples()
    low, high = RANGES[column]

    for values in ([low, high], [-0.0, 1.0], *([[np.nan, low]] if column not in ("time", "prediction") else [])):
        assert door.send(_with(sent, column, values))


@columns
@pytest.mark.parametrize("end", [0, 1])
def test_a_number_beyond_its_range_is_refused(knock: Make, model: Make, samples: Make, column: str, end: int) -> None:
    """The refusal names the column, the first row, the range, and how many rows are beyond it."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())
    low, high = RANGES[column]
    beyond = float(np.nextafter((low, high)[end], (-np.inf, np.inf)[end]))

    refusal = refusal_of(door, lambda: door.send(_with(samples(), column, [low, beyond])))

    assert refusal.reason == "out_of_range"
    assert refusal.detail == f"{column}, row 1: must be in [{low:.12g}, {high:.12g}]; 1 values are not"


def _with(samples: Any, column: str, values: list[float]) -> Any:
    """The samples with another column."""
    return replace(samples, **{column: pack(values)})


@given(column=st.sampled_from(sorted(RANGES)), values=st.lists(st.floats(), min_size=2, max_size=2))
def test_ranges_are_what_they_say(samples: Make, column: str, values: list[float]) -> None:
    """Any number: exactly those beyond the range are refused."""
    low, high = RANGES[column]
    sent = _with(samples(), column, values)

    if any(value < low or value > high for value in values):
        with pytest.raises(Reject, match=column):
            check_samples_ranges(sent)
    else:
        check_samples_ranges(sent)


@pytest.mark.parametrize(("value", "time"), [(2e30, 200.0), (1.0, -1.0), (1.0, LAST_SECOND + 1.0)])
def test_late_labels_beyond_their_range_are_refused(
    knock: Make, model: Make, samples: Make, labels: Make, value: float, time: float
) -> None:
    """Before they are joined to anything."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())
    door.send(samples())

    refusal = refusal_of(door, lambda: door.send(labels({"r0": value}, time)))

    assert (refusal.reason, "row 0: must be in" in refusal.detail) == ("out_of_range", True)


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        (EpisodeRecorded, EPISODE | {"rows": -7}, "rows: Input should be less than or equal to 9007199254740992"),
        (EpisodeRecorded, EPISODE | {"hyperparameters": {"n": -7}}, "hyperparameters.n: "),
        (EpisodeRecorded, EPISODE | {"seed": -7}, "seed: Input should be less than or equal to 9007199254740992"),
        (
            AdviceRequested,
            QUESTION | {"options": [{"configuration": "c", "rows": -7}]},
            "options.0.rows: Input should be less than or equal to 9007199254740992",
        ),
        (
            FamilyRegistered,
            FAMILY | {"horizon_labels": -7},
            "horizon_labels: Input should be less than",
        ),
    ],
)
def test_a_huge_integer_is_refused(knock: Make, type_: Any, data: dict[str, Any], said: str) -> None:
    """400 digits in the place of the -7."""
    door = knock(TracesIntake, "acme/digits")
    value = json.dumps(data).replace("-7", HUGE).encode()

    refusal = refusal_of(door, lambda: door.put(value, {"ce_id": "1", "ce_source": "/c", "ce_type": type_.TYPE}))

    assert refusal.reason == "payload_invalid"
    assert said in refusal.detail


def test_a_refused_scalar_says_its_bound(knock: Make) -> None:
    """And not that it might as well have been a text."""
    door = knock(TracesIntake, "acme/digits")
    value = json.dumps(EPISODE | {"hyperparameters": {"depth": 2**53 + 1}}).encode()

    refusal = refusal_of(
        door, lambda: door.put(value, {"ce_id": "1", "ce_source": "/c", "ce_type": EpisodeRecorded.TYPE})
    )

    assert "hyperparameters.depth" in refusal.detail
    assert "an integer lies within ±9007199254740992" in refusal.detail
    assert "more)" not in refusal.detail


@pytest.mark.parametrize(
    ("type_", "field", "value"),
    [
        (BillReceived.TYPE, "amount", 1.7e308),
        (BillReceived.TYPE, "amount", 5e-324),
        (BillReceived.TYPE, "to_time", 10**15),
        (SliObserved.TYPE, "value", 1e308),
        (SliObserved.TYPE, "window_seconds", 1e306),
        (SliObserved.TYPE, "window_seconds", 5e-324),
    ],
)
def test_money_and_indicators_have_bounds(knock: Make, model: Make, type_: str, field: str, value: float) -> None:
    """Two bills, or a price times its seconds, must not overflow; nor what is divided by them."""
    door = knock(TelemetryIntake, "acme/m1")
    door.send(model())
    data = (BILL if type_ == BillReceived.TYPE else SLI) | {field: value}

    refusal = refusal_of(
        door, lambda: door.put(json.dumps(data).encode(), {"ce_id": "1", "ce_source": "/c", "ce_type": type_})
    )

    assert refusal.reason == "payload_invalid"
    assert refusal.detail.startswith(f"{field}: ")
    assert any(word in refusal.detail for word in ("less than or equal to", "greater than or equal to", "at least"))


def test_a_family_has_at_most_64_arms() -> None:
    """Each arm has a floor under its propensity, and all propensities are 1 together."""
    arms = [{"name": f"a{n}"} for n in range(65)]
    type_ = MODELS[FamilyRegistered.TYPE]

    type_.model_validate({"arms": arms[:64], "baseline": "a0"})
    with pytest.raises(ValueError, match="at most 64"):
        type_.model_validate({"arms": arms, "baseline": "a0"})


@pytest.mark.parametrize(("id_", "source"), [("i" * 401, "/c"), ("1", "/" * 401)])
def test_identities_have_a_bounded_length(knock: Make, model: Make, id_: str, source: str) -> None:
    """They go into provenance, states and sentences."""
    door = knock(TelemetryIntake, "acme/m1")

    refusal = refusal_of(door, lambda: door.send(model(), id_=id_, source=source))

    assert refusal.reason == "header_invalid"
    assert "at most 400 characters" in refusal.detail
    assert door.send(model(), id_="i" * 400, source="/" * 400)


def test_request_ids_that_cannot_be_printed_are_quoted_in_short(
    knock: Make, model: Make, samples: Make, labels: Make
) -> None:
    """Each of their characters takes ten in the sentence; the refusal still fits."""
    door, strangers = knock(TelemetryIntake, "acme/m1"), [f"{chr(0xE0001) * 100}{n}" for n in range(9)]
    door.send(model())
    door.send(samples())

    joined, refused = door.send(labels({"r0": 1.0} | dict.fromkeys(strangers, 1.0)))

    assert joined.data.request == ["r0"]
    assert refused.data.reason == "label_unmatched"
    assert len(refused.data.detail) < 600
