"""Variables that Kubernetes sets in every container for the Services of its namespace; no settings of ours.

A Service named `homeostat` or `homeostat-metrics` makes it set `HOMEOSTAT_PORT=tcp://10.0.0.11:9092`,
`HOMEOSTAT_METRICS_PORT=tcp://10.0.0.12:9100` and more of the kind.

Source: kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

_NAME: Final = re.compile(
    r"[A-Z0-9_]+?_(?:(SERVICE_HOST)|(SERVICE_PORT)(?:_[A-Z0-9_]+)?|(PORT)(?:_\d+_(?:TCP|UDP|SCTP)(?:_(PROTO|PORT|ADDR))?)?)"
)
_URL: Final = re.compile(r"(tcp|udp|sctp)://(\[[0-9a-f:.]+\]|[0-9.]+):\d+")


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


_IS_VALUE: Final[dict[str, Callable[[str], bool]]] = {
    "SERVICE_HOST": _is_address,
    "SERVICE_PORT": str.isdecimal,
    "PORT": lambda value: _URL.fullmatch(value) is not None,
    "PORT of PORT": str.isdecimal,
    "PROTO of PORT": lambda value: value in ("tcp", "udp", "sctp"),
    "ADDR of PORT": _is_address,
}


def is_service_variable(name: str, value: str) -> bool:
    """Whether Kubernetes sets a variable like this one for a Service; by its name and by what it says."""
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    host, port, url, part = found.groups()
    return _IS_VALUE[f"{part} of PORT" if part else host or port or url](value)
