"""Every `HOMEOSTAT_…` variable is somebody's, or nothing starts: a misspelt one would silently be the default."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from homeostat.core import Halt
from homeostat.runtime import librdkafka
from homeostat.runtime.kubernetes import is_service_variable
from homeostat.runtime.registry import settings_classes
from homeostat.runtime.settings import HostSettings

PREFIX: Final = "HOMEOSTAT_"
_OTHERS: Final = ("HOMEOSTAT_CACHE_DIR", "HOMEOSTAT_KEY")
"""Read by the embedded broker and the command line."""


S = TypeVar("S", bound=BaseSettings)


class VariableInvalid(Halt):
    """A variable of the environment has a value that it cannot have.

    Operator: correct the value, or unset it.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}; correct it, or unset it")
        self.name, self.why = name, why


class VariableUnknown(Halt):
    """A variable of the environment sets nothing.

    Operator: correct its name, or unset it.
    """

    def __init__(self, name: str, closest: str) -> None:
        super().__init__(f"{name} sets nothing: correct it to {closest}, or unset it")
        self.name, self.closest = name, closest


def check_environment(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Check that every variable with our prefix sets something; as in the settings, upper and lower case are one.

    Returns:
        Variables that set nothing because Kubernetes has set them for a Service, sorted: for a line of the log.

    Raises:
        VariableUnknown: Another one does not; the message says which name comes closest.
    """
    from homeostat.telemetry import logging  # a client reads settings and has no use for the rest of it

    ours = {name for name in environ if name.upper().startswith(PREFIX)}
    foreign = {name for name in ours if is_service_variable(name, environ[name])}
    ours -= {name for name in ours - foreign if name.upper().startswith(librdkafka.PREFIX)}  # `HostSettings` looks
    known = {*variables_of(HostSettings), *_OTHERS, logging.FORMAT, logging.LEVEL}
    unknown = {name for name in ours - foreign if name.upper() not in known}
    ignored = tuple(sorted(foreign))
    prefixes = set[str]()
    for prefix, load in settings_classes():  # imported only when somebody sets something there
        if all(name.upper() in known for name in unknown):
            return ignored
        prefixes.add(f"{prefix}…")
        if any(name.upper().startswith(prefix) for name in unknown):
            known |= set(variables_of(load()))
    for name in sorted(unknown):
        if name.upper() not in known:
            closest = get_close_matches(name.upper(), sorted(known | prefixes), n=1, cutoff=0.0)[0]
            raise VariableUnknown(name, closest)
    return ignored


def settings_of_environment(settings: type[S]) -> S:
    """Read settings.

    Raises:
        VariableInvalid: A variable has a value that it cannot have.
    """
    try:
        return settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else settings.__name__
        raise VariableInvalid(dict(_variables(settings)).get(name, name.upper()), first["msg"]) from None


def variables_of(settings: type[BaseSettings]) -> Iterator[str]:
    """Yield the names of the variables that a settings class reads, but for those of `librdkafka`."""
    return (variable for _, variable in _variables(settings))


def _variables(settings: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        if name != "kafka":  # any number of variables
            yield name, str(field.validation_alias or f"{prefix}{name}").upper()
