"""Every `HOMEOSTAT_…` variable is somebody's, or nothing starts: a misspelt one would silently be the default."""

import importlib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from pydantic_settings import BaseSettings

from homeostat.core import Halt
from homeostat.host.settings import HostSettings
from homeostat.telemetry import logging

PREFIX: Final = "HOMEOSTAT_"
SERVICES: Final = ("maml_trainer", "retrain_actuator", "rollout_actuator", "threshold_actuator")
"""Services with settings of their own in the environment; a contract test holds this against the code."""

_OTHERS: Final = (logging.FORMAT, logging.LEVEL, "HOMEOSTAT_CACHE_DIR", "HOMEOSTAT_KEY")
"""Read by the logs, the embedded broker and the command line."""


class VariableUnknown(Halt):
    """A variable of the environment sets nothing.

    Operator: correct its name, or unset it.
    """

    def __init__(self, name: str, closest: str) -> None:
        super().__init__(f"{name} sets nothing: correct it to {closest}, or unset it")
        self.name, self.closest = name, closest


def check_environment(environ: Mapping[str, str]) -> None:
    """Check that every variable with our prefix sets something; as in the settings, upper and lower case are one.

    Raises:
        VariableUnknown: One does not; the message says which name comes closest.
    """
    unknown = {name for name in environ if name.upper().startswith(PREFIX)}
    known = {*variables_of(HostSettings), *_OTHERS}
    unknown = {name for name in unknown if name.upper() not in known}
    if not unknown:
        return
    for service in SERVICES:  # imported only when somebody sets something there
        if any(name.upper().startswith(f"{PREFIX}{service.upper()}_") for name in unknown):
            known |= set(variables_of(settings_class(service)))
    for name in sorted(unknown):
        if name.upper() not in known:
            prefixes = {f"{PREFIX}{service.upper()}_…" for service in SERVICES}
            raise VariableUnknown(name, get_close_matches(name.upper(), sorted(known | prefixes), n=1, cutoff=0.0)[0])


def settings_class(service: str) -> type[BaseSettings]:
    """Return the class of a service's settings, from its folder."""
    module = importlib.import_module(f"{service}.settings")
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, BaseSettings)]
    return next(value for value in found if value is not BaseSettings)


def variables_of(settings: type[BaseSettings]) -> Iterator[str]:
    """Yield the names of the variables that a settings class reads."""
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        yield str(field.validation_alias or f"{prefix}{name}").upper()
