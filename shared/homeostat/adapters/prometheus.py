"""Prometheus: answers of its HTTP API, and what it writes to remote storage.

Source: https://prometheus.io/docs/prometheus/latest/querying/api and
https://prometheus.io/docs/specs/prw/remote_write_spec (version 1.0).
"""

import math
from collections.abc import Iterator
from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import layer_of, unit_of
from homeostat.adapters.node import Node, document
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.snappy import decompress
from homeostat.adapters.target import Target
from homeostat.adapters.wire import Wire

_NAME: Final = "__name__"
_NAMELESS: Final = "value"
"""Name of the result of an expression, which has none."""


def query_result(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read the answer to a range query (matrix) or an instant query (vector): one signal per sample.

    Values that are not finite (NaN of a stale series) are no measurements and left out, native histograms as well. A
    counter stays a counter: query its `rate(...)`.

    Args:
        payload: JSON.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is no such answer, or the query has failed.
    """
    answer = document(payload)
    if answer["status"].value != "success":
        error = answer.maybe("error")
        raise UnreadablePayload("status", f"the query has failed: {error.value if error else answer['status'].value}")
    kind, result = answer["data"]["resultType"].text(), answer["data"]["result"]
    if kind not in ("matrix", "vector"):
        raise answer["data"]["resultType"].fail("matrix or vector")
    return in_order([event for series in result.items() for event in _series(series, kind, target)])


def _series(series: Node, kind: str, target: Target) -> Iterator[AdaptedEvent]:
    labels = {name: label.text() for name, label in series["metric"].fields().items() if label.value != ""}
    samples = series.maybe("values" if kind == "matrix" else "value")
    if samples is None:
        return
    for sample in samples.items() if kind == "matrix" else [samples]:
        pair = sample.items()
        if len(pair) != 2:  # a time and a value
            raise sample.fail("a time and a value")
        yield from _sample(target, pair[1].path, pair[0].millis(), labels, pair[1].number())


def remote_write(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read a `WriteRequest` of remote write 1.0: one signal per sample.

    Args:
        payload: The body as it is sent (protobuf in snappy's block format), or decoded as JSON:
            `{"timeseries": [{"labels": [{"name", "value"}], "samples": [{"value", "timestamp"}]}]}`.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none.
    """
    if payload.lstrip()[:1] == b"{":
        series = [
            (
                one.path,
                _labels(one),
                [(s["timestamp"].millis("ms"), s["value"].number()) for s in one["samples"].items()],
            )
            for one in document(payload)["timeseries"].items()
        ]
    else:
        series = list(_write_request(decompress(payload)))
    return in_order(
        [
            event
            for where, labels, samples in series
            for time, value in samples
            for event in _sample(target, where, time, labels, value)
        ]
    )


def _labels(series: Node) -> dict[str, str]:
    return {label["name"].text(): label["value"].text() for label in series["labels"].items()}


def _write_request(body: bytes) -> Iterator[tuple[str, dict[str, str], list[tuple[int, float]]]]:
    """Field numbers: WriteRequest 1 timeseries; TimeSeries 1 labels, 2 samples; Label 1, 2; Sample 1, 2."""
    for index, series in enumerate(Wire(body, "WriteRequest").messages(1)):
        where = f"timeseries[{index}]"
        labels = {label.text(1): label.text(2) for label in series.messages(1)}
        yield where, labels, [(sample.signed(2), sample.double(1)) for sample in series.messages(2)]


def _sample(target: Target, where: str, time: int, labels: dict[str, str], value: float) -> Iterator[AdaptedEvent]:
    if not math.isfinite(value):
        return
    name = labels.get(_NAME, _NAMELESS)
    rest = {label: text for label, text in labels.items() if label != _NAME}
    yield signal(target, where, time, layer_of(name), name, value, unit=unit_of(name), labels=rest)
