"""How a client connects: arguments before the environment, the environment before a running stack."""

from typing import Any, TypedDict

from homeostat.client.address import resolve
from homeostat.host.settings import HostSettings


class Security(TypedDict, total=False):
    """How to authenticate; as in `HostSettings`, and in librdkafka."""

    security_protocol: str
    sasl_mechanism: str
    sasl_username: str
    sasl_password: str
    ssl_ca_location: str


def client_settings(bootstrap_servers: str | None, base: HostSettings | None, security: Security) -> HostSettings:
    """Return the settings of a client.

    Args:
        bootstrap_servers: Before everything else, if given.
        base: Instead of the environment.
        security: Before `base`.

    Raises:
        TypeError: A setting of that name does not exist.
    """
    unknown = sorted(set(security) - set(Security.__annotations__))
    if unknown:
        raise TypeError(f"no setting {', '.join(unknown)}; there are {', '.join(Security.__annotations__)}")
    base = HostSettings() if base is None else base
    given: dict[str, Any] = {name: getattr(base, name) for name in base.model_fields_set} | dict(security)
    if bootstrap_servers:
        given["bootstrap_servers"] = bootstrap_servers
    return resolve(HostSettings(**given))
