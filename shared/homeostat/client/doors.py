"""Which door takes which event, so that nobody needs to know."""

from homeostat.core import Reject
from homeostat.events import MODELS, short
from homeostat.events.routes import INGRESS_OF


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
    if type_ not in INGRESS_OF:
        raise Reject("type_internal", f"{type_} is said by Homeostat itself; no door takes it")
    return INGRESS_OF[type_]
