"""OpenTelemetry metrics as the protocol sends them, in JSON or protobuf.

Source: https://opentelemetry.io/docs/specs/otlp and opentelemetry-proto, `metrics/v1/metrics.proto`.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import layer_of
from homeostat.adapters.node import Node, document
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.target import Target

_SCALARS: Final = ("gauge", "sum")
_SUMMED: Final = ("histogram", "exponentialHistogram", "summary")
_VALUES: Final = ("stringValue", "boolValue", "intValue", "doubleValue")


def metrics(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read an `ExportMetricsServiceRequest`: a signal per data point.

    A gauge or a sum is its value; a histogram or summary is the mean of what it counted, as `<name>.mean`. Attributes
    of the resource and of the point tell series apart.

    Args:
        payload: JSON, or protobuf, which needs opentelemetry-proto.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none, or it is protobuf and opentelemetry-proto is not installed.
    """
    request = document(payload) if payload.lstrip()[:1] == b"{" else Node(_decoded(payload))
    events = []
    for resource in request["resourceMetrics"].items():
        named = resource.maybe("resource")
        attributes = _attributes(named) if named is not None else {}
        for scope in resource["scopeMetrics"].items():
            for metric in scope["metrics"].items():
                events += [*_points(metric, attributes, target)]
    return in_order(events)


def _decoded(payload: bytes) -> Any:
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    except ImportError:
        raise UnreadablePayload(
            "payload", "OTLP in protobuf needs: pip install 'homeostat[otlp]'; or send JSON"
        ) from None
    try:
        return MessageToDict(ExportMetricsServiceRequest.FromString(payload))
    except DecodeError:
        raise UnreadablePayload("payload", "is neither JSON nor an ExportMetricsServiceRequest in protobuf") from None


def _points(metric: Node, resource: dict[str, Any], target: Target) -> Iterator[AdaptedEvent]:
    name, unit = metric["name"].text(), metric.maybe("unit")
    kind = next((kind for kind in (*_SCALARS, *_SUMMED) if metric.maybe(kind) is not None), None)
    if kind is None:
        raise metric.fail(f"a metric with one of {', '.join((*_SCALARS, *_SUMMED))}")
    points = metric[kind].maybe("dataPoints")
    for point in points.items() if points is not None else []:
        value = _value(point, kind)
        if value is None or not math.isfinite(value):
            continue
        yield signal(
            target,
            point.path,
            point["timeUnixNano"].millis("ns"),
            layer_of(name),
            name if kind in _SCALARS else f"{name}.mean",
            value,
            unit=str(unit.value) if unit is not None else "",
            labels=resource | _attributes(point),
        )


def _value(point: Node, kind: str) -> float | None:
    """Value of a point; None where it has none."""
    if kind in _SCALARS:
        found = point.maybe("asDouble") or point.maybe("asInt")
        return None if found is None else found.number()
    count, total = point.maybe("count"), point.maybe("sum")
    if count is None or total is None or count.number() == 0:
        return None
    return total.number() / count.number()


def _attributes(owner: Node) -> dict[str, Any]:
    found = {}
    listed = owner.maybe("attributes")
    for attribute in listed.items() if listed is not None else []:
        value = attribute.maybe("value")
        for kind in _VALUES if value is not None else ():
            if value is not None and (scalar := value.maybe(kind)) is not None:
                found[attribute["key"].text()] = scalar.number() if kind == "intValue" else scalar.value
    return found
