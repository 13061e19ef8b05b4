"""Events of Kubernetes: `kubectl get events -o json`, a watch, or what an exporter posts.

Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1
"""

from collections.abc import Iterator
from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.node import Node, documents
from homeostat.adapters.signals import in_order, signal
from homeostat.adapters.target import Target

_TIMES: Final = ("lastTimestamp", "eventTime", "deprecatedLastTimestamp", "firstTimestamp")


def events(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read events of either API group: each a signal `event.<reason>`, its value how often it was seen.

    Attributes are type, kind, namespace and name of the object it is about, and who reported it.

    Args:
        payload: JSON: an event, a list of them, or one a line, also as a watch wraps them.
        target: Whom the signals are about.

    Raises:
        UnreadablePayload: It is none.
    """
    return in_order([_signal(event, target) for event in _each(documents(payload))])


def _each(found: Iterator[Node]) -> Iterator[Node]:
    for one in found:
        watched = one.maybe("object")
        listed = one.maybe("items")
        yield from listed.items() if listed is not None else [watched if watched is not None else one]


def _signal(event: Node, target: Target) -> AdaptedEvent:
    about = event.maybe("involvedObject") or event.maybe("regarding")
    if about is None:
        raise UnreadablePayload(f"{event.path}.involvedObject".lstrip("."), "is missing: is this an Event?")
    series, count = event.maybe("series"), event.maybe("count") or event.maybe("deprecatedCount")
    if series is not None:
        count = series.maybe("count") or count
    reporter = event.maybe("reportingComponent") or event.maybe("reportingController")
    if reporter is None or not reporter.value:
        source = event.maybe("source")
        reporter = source.maybe("component") if source is not None else None
    labels = {name: part.value for name in ("kind", "namespace", "name") if (part := about.maybe(name)) is not None}
    kind = event.maybe("type")
    return signal(
        target,
        event.path,
        _time(event),
        "kubernetes",
        f"event.{event['reason'].text()}",
        count.finite() if count is not None else 1.0,
        labels=labels
        | ({"type": kind.value} if kind is not None else {})
        | ({"component": reporter.value} if reporter is not None else {}),
    )


def _time(event: Node) -> int:
    found = next((at for name in _TIMES if (at := event.maybe(name)) is not None), None)
    return (found if found is not None else event["metadata"]["creationTimestamp"]).millis()
