"""Every event type there is, by its CloudEvents type, and the logs it may lie in."""

from collections.abc import Iterator
from typing import Final

from homeostat.core import Payload
from homeostat.events import (
    advice,
    costs,
    drift,
    experience,
    governance,
    initial_weights,
    policy,
    registration,
    reports,
    requests,
    rules,
    system,
    telemetry,
    verdicts,
)
from homeostat.events.base import Data
from homeostat.events.columns import Labels, Samples


def _models() -> Iterator[type[Data]]:
    for module in (
        telemetry,
        registration,
        costs,
        drift,
        experience,
        advice,
        initial_weights,
        governance,
        verdicts,
        requests,
        rules,
        policy,
        reports,
        system,
    ):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Data) and "TYPE" in vars(value):
                yield value


MODELS: Final[dict[str, type[Data]]] = {model.TYPE: model for model in _models()}
"""pydantic model of each type: the JSON form, and for people the only one."""

COLUMNS: Final[dict[str, type[Samples] | type[Labels]]] = {Samples.TYPE: Samples, Labels.TYPE: Labels}
"""The hot types' columnar form, which is what lies in the logs."""


def short(type_: str) -> str:
    """`homeostat.drift.detected.v1` -> `drift.detected`."""
    return type_.removeprefix("homeostat.").rsplit(".v", 1)[0]


def schema_path(type_: str) -> str:
    """File of a type's JSON Schema below `schemas/`: `drift/detected.v1.json`."""
    noun, rest = type_.removeprefix("homeostat.").split(".", 1)
    return f"{noun}/{rest}.json"


def payload_class(type_: str) -> type[Payload]:
    """Class that a log's record of this type decodes to.

    Raises:
        KeyError: Unknown type.
    """
    return COLUMNS.get(type_) or MODELS[type_]
