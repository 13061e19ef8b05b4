"""Which door takes which event, so that nobody needs to know."""

from typing import Final

from homeostat.core import Reject
from homeostat.events import MODELS, short
from homeostat.events.logs import REPORTS, REQUESTS, TELEMETRY, TRACES

_TAKEN: Final = {
    TELEMETRY: (
        "model.registered",
        "samples.observed",
        "labels.observed",
        "deployment.observed",
        "sli.observed",
        "signal.observed",
        "bill.received",
    ),
    TRACES: (
        "family.registered",
        "episode.recorded",
        "advice.requested",
        "incident.recorded",
        "update.contributed",
        "task.recorded",
    ),
    REQUESTS: (
        "action.requested",
        "revert.requested",
        "approval.given",
        "approval.denied",
        "freeze.set",
        "freeze.lifted",
        "budget.set",
        "rules.set",
        "scope.configured",
        "key.registered",
        "key.revoked",
        "role.granted",
        "source.distrusted",
    ),
    REPORTS: (
        "action.applied",
        "action.progressed",
        "action.failed",
        "action.reverted",
        "candidate.trained",
        "brake.confirmed",
        "weights.published",
        "weights.rejected",
    ),
}

DOOR_OF: Final = {type_: door for type_ in sorted(MODELS) for door, names in _TAKEN.items() if short(type_) in names}
"""Door of every type that the outside may say."""


def full_type(name: str) -> str:
    """Return the CloudEvents type that a name means: `samples.observed` or `homeostat.samples.observed.v1`.

    Raises:
        Reject: `type_unknown`.
    """
    if name in MODELS:
        return name
    for type_ in MODELS:
        if short(type_) == name:
            return type_
    raise Reject("type_unknown", f"no event type {name!r}; `homeostat topics --types` lists them")


def door_of(type_: str) -> str:
    """Return the door that takes a type.

    Raises:
        Reject: `type_internal`: only folds say such a thing; name a log to write it anyway.
    """
    if type_ not in DOOR_OF:
        raise Reject("type_internal", f"{type_} is said by Homeostat itself; no door takes it")
    return DOOR_OF[type_]
