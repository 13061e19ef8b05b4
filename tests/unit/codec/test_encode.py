"""Canonical bytes: the same everywhere, and no digit lost where digits matter."""

import json

from hypothesis import given
from hypothesis import strategies as st

from homeostat.codec import encode_payload
from homeostat.codec.encode import MSGPACK, partition_of, rfc3339
from homeostat.events import IndicatorComputed, LabelsObserved, SamplesObserved
from homeostat.events.columns import f8


def test_event_times_keep_all_their_digits() -> None:
    """A time of today to the millisecond goes through, whoever publishes the JSON model."""
    at = 1_700_000_123.456
    samples = SamplesObserved(version="v1", request=["r"], time=[at], prediction=[1.0])

    value, content_type = encode_payload(samples)

    assert content_type == MSGPACK
    assert f8(samples.columns().time)[0] == at
    assert value == encode_payload(samples.columns())[0]


def test_labels_keep_theirs() -> None:
    """As for samples."""
    labels = LabelsObserved(request=["r"], label=[1.0], time=[1_700_000_123.456])

    assert encode_payload(labels) == encode_payload(labels.columns())


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_numbers_are_rounded_to_nine_digits(value: float) -> None:
    """What the last bits of an arithmetic unit differ in never reaches a log; rounding again changes nothing."""
    raw, _ = encode_payload(IndicatorComputed(model="a/b", name="x", value=value))

    said = json.loads(raw)["value"]
    assert said == float(f"{value:.8e}")
    assert encode_payload(IndicatorComputed(model="a/b", name="x", value=said))[0] == raw


def test_keys_are_sorted_and_nothing_is_null() -> None:
    """One payload, one text."""
    raw, _ = encode_payload(IndicatorComputed(model="a/b", name="x", value=1.0))

    assert raw == b'{"model":"a/b","n":1,"name":"x","value":1.0}'


def test_a_key_has_one_place() -> None:
    """CRC32, as librdkafka's default: producers of one subject agree."""
    assert partition_of(b"plant/camera-00", 12) == 7
    assert {partition_of(f"s/{i}".encode(), 3) for i in range(50)} == {0, 1, 2}


def test_times_are_rfc3339() -> None:
    """As CloudEvents wants them, to the millisecond."""
    assert rfc3339(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"
