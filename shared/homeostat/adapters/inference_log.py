"""Requests and responses that a server logs one by one, joined by their id to the rows that were served."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from homeostat.adapters.errors import UnreadablePayload
from homeostat.adapters.event import AdaptedEvent
from homeostat.adapters.naming import as_name
from homeostat.adapters.node import Node
from homeostat.adapters.signals import in_order
from homeostat.adapters.target import Target
from homeostat.adapters.tensors import Inputs, answers_of, inputs_of
from homeostat.client.samples import samples_of
from homeostat.core import Reject
from homeostat.events.columns import Role

_ROLES: Final[dict[str, Role]] = {"canary": "canary", "shadow": "shadow"}
_UNNAMED: Final = "default"


@dataclass(frozen=True, slots=True)
class Logged:
    """One request or one response.

    Args:
        id: That both have.
        is_response: Which it is.
        time: When, ms since the epoch.
        endpoint: What answered, as the server calls it: `default`, `canary`; empty if it says nothing.
        body: What was asked or answered.
    """

    id: str
    is_response: bool
    time: int
    endpoint: str
    body: Node


def joined(logged: Iterable[Logged], target: Target) -> list[AdaptedEvent]:
    """Join requests and responses: each response is an event of its rows, with what was asked if that was logged too.

    Rows of a request with several are `<id>.0`, `<id>.1`, …. The latency is the time between both. A request without a
    response was not answered and gives nothing. The role is the endpoint's, champion where it is neither canary nor
    shadow; the version is that of the answer, of the target, or the endpoint's name.

    Args:
        logged: In any order.
        target: Whose rows they are.

    Raises:
        UnreadablePayload: A body that is in none of the protocols, or with other rows than were asked.
    """
    asked: dict[tuple[str, str], Logged] = {}
    answered: dict[tuple[str, str], Logged] = {}
    for one in logged:
        (answered if one.is_response else asked)[one.id, one.endpoint] = one
    return in_order([_rows(asked.get(key), response, target) for key, response in answered.items()])


def _rows(request: Logged | None, response: Logged, target: Target) -> AdaptedEvent:
    answers = answers_of(response.body, target.classes)
    n = len(answers.prediction)
    inputs = inputs_of(request.body) if request is not None else Inputs()
    if request is not None and len(inputs.values) != n:
        raise UnreadablePayload(
            request.body.path, f"asks {len(inputs.values)} rows, and {n} were answered: {request.id}"
        )
    time = response.time if request is None else request.time
    try:
        (samples,) = samples_of(
            as_name(answers.version or target.version or response.endpoint) or _UNNAMED,
            _ROLES.get(response.endpoint, "champion"),
            [response.id] if n == 1 else [f"{response.id}.{row}" for row in range(n)],
            time=time / 1000,
            prediction=answers.prediction,
            score=answers.score,
            features=dict(zip(inputs.names, inputs.values.T, strict=True)) if request is not None else None,
            inputs=inputs.values if target.has_inputs and request is not None else None,
            latency_seconds=None if request is None else np.full(n, max(0, response.time - time) / 1000),
        )
    except (Reject, ValueError) as error:  # too many rows for one event are several
        raise UnreadablePayload(response.body.path, f"{response.id}: {error}") from None
    return AdaptedEvent(response.time, target.subject, samples)
