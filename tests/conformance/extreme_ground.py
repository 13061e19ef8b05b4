"""Who and what the extreme histories are about."""

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeostat.audit.keys import Key
from homeostat.audit.signing import key_id
from homeostat.events import (
    MODELS,
    ActionRequested,
    Data,
    KeyRegistered,
    MetaTrainingRequested,
    RetrainRequested,
    RolloutRequested,
    ThresholdRequested,
)
from homeostat.events.bounds import LARGEST
from homeostat.events.logs import (
    DOORS,
    REPORTS,
    REQUESTS,
    TELEMETRY,
    TRACES,
)
from homeostat.events.routes import ADMITTED
from homeostat.testing.enrolled import key_of
from homeostat_tools.local_stack.services import inputs

FOLDS = inputs()


MODEL, FAMILY, SCOPE = "team/model", "team/family", "team"


SUBJECTS: Final = {TELEMETRY: (MODEL,), TRACES: (FAMILY,), REQUESTS: (SCOPE, "*"), REPORTS: (MODEL, FAMILY)}


REQUESTED: Final = (RetrainRequested, RolloutRequested, ThresholdRequested, MetaTrainingRequested)


FITTING: Final[dict[type[Data], dict[str, Any]]] = {RetrainRequested: {"chosen": "skip", "arms": ()}}
"""Fields of a type that fit together, where its usual ones do not."""


def forms(door: str) -> list[type[Data]]:
    """Classes of what a door takes: of a type that has kinds those of its kinds."""
    types = [MODELS[payload.TYPE] for payload in ADMITTED[door]]
    return [form for type_ in types for form in (REQUESTED if type_ is ActionRequested else (type_,))]


ADMITTED_TYPES: Final = [form for door in DOORS for form in forms(door)]


PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(b"." * 32)


PUBLIC: Final = PRIVATE.public_key().public_bytes_raw()


KEY: Final = Key("root", key_id(PUBLIC), PUBLIC.hex(), PRIVATE)


HAND: Final = key_of("hands")


ADMINS: Final = (key_of("ann"), key_of("bea"))


ROOT: Final = KeyRegistered(key=KEY.key_id, public_key=KEY.public_key_hex, principal="root", roles=("admin",))


DIGEST: Final = "0" * 64


OWN_ANSWERS: Final = {"version": "v0", "prediction": (1.0,), "score": (0.5,), "predicted": (1.0,)}


OPEN: Final[dict[str, Any]] = {
    "classes": (),
    "versions": None,
    "contract_version": None,
    "learned_rows": None,
    "score_low": -LARGEST,
    "score_high": LARGEST,
}

"""A contract that takes every answer."""


NO_ANSWERS: Final = {"version": None, "prediction": (), "score": (), "predicted": ()}
