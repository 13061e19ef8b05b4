"""Numbers of monitoring systems become signals with layer, unit and place."""

import json
import struct

import pytest
from tests.unit.adapters.payloads import BEGIN, attributes, read, signals

from homeostat.adapters import UnreadablePayload
from homeostat.adapters.naming import layer_of, unit_of
from homeostat.adapters.snappy import decompress


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _write_request() -> bytes:
    """One series with one sample, in protobuf."""
    label = _field(1, b"__name__") + _field(2, b"redis_memory_used_bytes")
    sample = b"\x09" + struct.pack("<d", 2.5) + b"\x10" + _varint(BEGIN + 7)
    return _field(1, _field(1, label) + _field(2, sample))


def _literal(body: bytes) -> bytes:
    """A block of snappy's that is one literal."""
    return _varint(len(body)) + bytes([61 << 2]) + (len(body) - 1).to_bytes(2, "little") + body


def test_samples_of_a_range_query_are_signals() -> None:
    """What is not finite was not measured; a result without a name is a value."""
    events = read("prometheus")

    assert signals(events) == [
        (0, "iaas", "node_memory_MemAvailable_bytes", 8123400192.0, "By"),
        (781, "service", "http_request_duration_seconds", 0.041, "s"),
        (15781, "service", "http_request_duration_seconds", 0.044, "s"),
        (30000, "application", "value", 3.0, ""),
    ]
    assert attributes(events[1]) == {"job": "ranker", "instance": "10.0.3.7:9090", "quantile": "0.95"}


def test_a_failed_query_says_why() -> None:
    """As Prometheus said it."""
    body = {"status": "error", "errorType": "bad_data", "error": "unknown function: rat"}

    with pytest.raises(UnreadablePayload, match="unknown function: rat"):
        read("prometheus", json.dumps(body))


def test_a_layer_may_be_given() -> None:
    """Names say it only by habit."""
    assert {layer for _, layer, *_ in signals(read("prometheus", layer="edge"))} == {"edge"}


def test_remote_write_is_read_as_it_is_sent_and_decoded() -> None:
    """Compressed protobuf, or JSON."""
    assert signals(read("prometheus-remote-write", _literal(_write_request()))) == [
        (7, "data", "redis_memory_used_bytes", 2.5, "By")
    ]
    assert [value for *_, value, _ in signals(read("prometheus-remote-write"))] == [12.0, 15.0]


def test_snappy_copies_what_it_had_before() -> None:
    """The three kinds of copies, the overlapping one among them. Source: format_description.txt, 2.2."""
    block = _varint(18) + bytes([3 << 2]) + b"abcd" + bytes([0b000_000_01, 4])  # 4 bytes from 4 back
    block += bytes([3 << 2 | 2, 1, 0]) + bytes([5 << 2 | 3, 8, 0, 0, 0])

    assert decompress(block) == b"abcdabcddddd" + b"abcddd"[:6]


@pytest.mark.parametrize("block", [b"", b"\x05", b"\x04\x01\x04", b"\xff\xff\xff\xff\xff\x7f", b"\x02\x00"])
def test_what_is_not_snappy_is_refused(block: bytes) -> None:
    """Also what would hold more than anybody sends."""
    with pytest.raises(UnreadablePayload):
        decompress(block)


def test_points_of_opentelemetry_are_signals() -> None:
    """Texts of 64-bit integers are numbers, a histogram is its mean, an empty one nothing."""
    events = read("otlp-metrics")

    assert signals(events) == [
        (60000, "data", "messaging.client.consumed.messages", 42.0, "{message}"),
        (60000, "iaas", "system.memory.utilization", 0.62, "1"),
        (60000, "service", "http.server.request.duration.mean", 0.125, "s"),
    ]
    assert attributes(events[0]) == {"service.name": "ranker", "messaging.destination.name": "orders"}
    assert attributes(events[1]) == {"service.name": "ranker", "host.id": 7.0}


def test_protobuf_of_opentelemetry_says_the_same() -> None:
    """If its classes are installed."""
    service = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    from google.protobuf.json_format import ParseDict
    from tests.unit.adapters.payloads import FOLDER

    body = json.loads((FOLDER / "otlp_metrics.json").read_text("utf-8"))
    message = ParseDict(body, service.ExportMetricsServiceRequest())

    assert signals(read("otlp-metrics", message.SerializeToString())) == signals(read("otlp-metrics"))


def test_an_alert_is_on_or_off() -> None:
    """At the time when it began or ended."""
    assert signals(read("alertmanager")) == [
        (180000, "observability", "alert.PodCrashLooping", 0.0, ""),
        (240000, "observability", "alert.HighLatency", 1.0, ""),
    ]


def test_names_say_layer_and_unit() -> None:
    """One example of each layer that names tell."""
    assert {
        name: layer_of(name) for name in ("up", "update_seconds", "faas.invoke_duration", "DCGM_FI_DEV_GPU_UTIL")
    } == {
        "up": "observability",
        "update_seconds": "application",
        "faas.invoke_duration": "serverless",
        "DCGM_FI_DEV_GPU_UTIL": "iaas",
    }
    assert [unit_of(name) for name in ("http_requests_total", "io_bytes_total", "cache_hit_ratio")] == ["", "By", "1"]
