"""The payload classes by their CloudEvents type."""

from typing import Final

from homeostat.core import Payload
from homeostat.events.base import Data
from homeostat.events.catalogue import CATALOGUE
from homeostat.events.columns import Labels, Samples

MODELS: Final[dict[str, type[Data]]] = {row.type.TYPE: row.type for row in CATALOGUE}
"""pydantic model of each type: the JSON form, and for people the only one."""

COLUMNS: Final[dict[str, type[Samples] | type[Labels]]] = {Samples.TYPE: Samples, Labels.TYPE: Labels}
"""The hot types' columnar form, which is what lies in the logs."""


def short(type_: str) -> str:
    """Shorten a type for people: `homeostat.drift.detected.v1` -> `drift.detected`."""
    return type_.removeprefix("homeostat.").rsplit(".v", 1)[0]


def schema_path(type_: str) -> str:
    """Return the file of a type's JSON Schema below `schemas/`: `drift/detected.v1.json`."""
    noun, rest = type_.removeprefix("homeostat.").split(".", 1)
    return f"{noun}/{rest}.json"


def payload_class(type_: str) -> type[Payload]:
    """Return the class that a log's record of this type decodes to.

    Raises:
        KeyError: Unknown type.
    """
    return COLUMNS.get(type_) or MODELS[type_]
