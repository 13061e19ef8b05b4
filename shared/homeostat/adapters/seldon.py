"""What Seldon Core logs of requests.

Source: https://docs.seldon.ai/seldon-core-1/configuration/integrations/logging and its `seldon-request-logger`.
"""

from homeostat.adapters.cloudevents import logged_events
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.inference_log import Logged, joined
from homeostat.adapters.node import Node, documents
from homeostat.adapters.target import Target


def request_log(payload: bytes, target: Target) -> list[AdaptedEvent]:
    """Read what the executor sends (`io.seldon.serving.inference.request` and `.response`, joined by `requestid`), or
    what the request logger has stored: documents with `request` and `response`.

    Args:
        payload: JSON: one, a list, or one a line; see `logged_events`. Bodies are Seldon's (`data` with `ndarray` or
            `tensor`), V1 or V2.
        target: Whose rows they are.

    Raises:
        UnreadablePayload: It is none of it.
    """
    stored = [document.maybe("_source") or document for document in documents(payload)]
    if not any(document.maybe("response") is not None for document in stored):
        return joined(logged_events(payload, ("requestid", "id"), target.received), target)
    logged = []
    for document in stored:
        id_ = (document.maybe("RequestId") or document["request_id"]).text()
        for name in ("request", "response"):
            part = document.maybe(name)
            if part is not None:
                logged.append(Logged(id_, name == "response", _time(part, document, target), "", part["payload"]))
    return joined(logged, target)


def _time(part: Node, document: Node, target: Target) -> int:
    found = part.maybe("ce-time") or document.maybe("@timestamp")
    return target.received if found is None else found.millis()
