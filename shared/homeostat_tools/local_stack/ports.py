"""Free TCP ports that stay free while their owner restarts."""

import random
import socket
from collections.abc import Collection
from typing import Final

LOOPBACK: Final = "127.0.0.1"

FIRST_PORT: Final = 20_000
LAST_PORT: Final = 32_000
"""Below 32768, where Linux takes source ports from. A client that dials a broker in its absence, from a port of the
same range, can connect to itself, and then holds the port that the broker wants back."""

N_TRIES: Final = 200


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # as Java's server sockets do: connections of the last owner in TIME_WAIT do not matter
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def pick_port(preferred: Collection[int], taken: Collection[int] = ()) -> int:
    """Return the first free port of `preferred`, else any free one that is not in `taken`.

    Raises:
        OSError: None of 200 random ports is free.
    """
    random_ports = (random.randint(FIRST_PORT, LAST_PORT) for _ in range(N_TRIES))  # noqa: S311 - not a secret
    for port in (*preferred, *random_ports):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port found between {FIRST_PORT} and {LAST_PORT}")
