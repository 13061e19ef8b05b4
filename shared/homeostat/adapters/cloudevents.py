"""CloudEvents that a log holds: structured, or headers and body apart."""

from collections.abc import Iterator
from typing import Final

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.inference_log import Logged
from homeostat.adapters.node import Node, document, documents

_BODIES: Final = ("data", "body", "value", "payload")
_REQUEST, _RESPONSE = "inference.request", "inference.response"


def logged_events(payload: bytes, id_attributes: tuple[str, ...], received: int) -> Iterator[Logged]:
    """Read the requests and responses among CloudEvents; other types (outliers, feedback) are left out.

    Args:
        payload: JSON: an event, a list, or one a line. An event is structured (`type`, …, `data`), or has `headers`
            with names like `ce-type` and its body in `data`, `body`, `value` or `payload`.
        id_attributes: Attributes that hold what request and response have in common; the first that is there counts.
        received: Time of events without one, ms since the epoch.

    Raises:
        UnreadablePayload: It is none of it.
    """
    for event in documents(payload):
        attributes = _attributes(event)
        kind = attributes.get("type")
        if kind is None:
            raise UnreadablePayload(f"{event.path}.type".lstrip("."), "is missing: an event of CloudEvents has one")
        if not kind.text().endswith((_REQUEST, _RESPONSE)):
            continue
        id_ = next((attributes[name] for name in id_attributes if name in attributes), None)
        if id_ is None:
            raise UnreadablePayload(f"{event.path}.id".lstrip("."), f"is missing: {' or '.join(id_attributes)}")
        time, endpoint = attributes.get("time"), attributes.get("endpoint")
        yield Logged(
            id=id_.text(),
            is_response=kind.text().endswith(_RESPONSE),
            time=received if time is None else time.millis(),
            endpoint="" if endpoint is None else str(endpoint.value),
            body=_body(event),
        )


def _attributes(event: Node) -> dict[str, Node]:
    headers = event.maybe("headers")
    if headers is None:
        return {name: value for name, value in event.fields().items() if value.value is not None}
    named = {name.lower().replace("ce_", "ce-"): value for name, value in headers.fields().items()}
    return {name.removeprefix("ce-"): value for name, value in named.items() if name.startswith("ce-")}


def _body(event: Node) -> Node:
    for name in _BODIES:
        found = event.maybe(name)
        if found is not None:
            return Node(document(found.value.encode()).value, found.path) if isinstance(found.value, str) else found
    raise UnreadablePayload(f"{event.path}.data".lstrip("."), f"is missing: one of {', '.join(_BODIES)}")
