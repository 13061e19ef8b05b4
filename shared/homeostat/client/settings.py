"""How a client connects: arguments before the environment, the environment before a running stack."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from homeostat.client.address import resolve
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.librdkafka import PropertyRefused, check_properties
from homeostat.runtime.settings import HostSettings


def client_settings(
    bootstrap_servers: str | None, base: HostSettings | None, properties: Mapping[str, str]
) -> HostSettings:
    """Return the settings of a client.

    Args:
        bootstrap_servers: Before everything else, if given.
        base: Instead of the environment.
        properties: Of librdkafka, dots as underscores; before those of `base`.

    Raises:
        TypeError: A setting of that name does not exist, or is not the user's to set.
        VariableInvalid: A variable of the environment has a value that it cannot have.
    """
    given_properties = {name.replace("_", "."): value for name, value in properties.items()}
    try:
        check_properties(given_properties)
    except PropertyRefused as refused:
        raise TypeError(f"no setting {refused.name.replace('.', '_')}: {refused}") from None
    base = settings_of_environment(HostSettings) if base is None else base
    given: dict[str, Any] = {name: getattr(base, name) for name in base.model_fields_set}
    given["kafka"] = base.kafka | {name: SecretStr(value) for name, value in given_properties.items()}
    if bootstrap_servers:
        given["bootstrap_servers"] = bootstrap_servers
    return resolve(HostSettings(**given))
