"""Ports for servers that restart."""

import socket

from homeostat_tools.local_stack.ports import FIRST_PORT, LAST_PORT, LOOPBACK, is_free, pick_port


def test_a_listening_port_is_not_free() -> None:
    """A port with a server is passed over, and found again when the server is gone."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        while_listening = is_free(port)

    assert (while_listening, is_free(port)) == (False, True)


def test_a_taken_preference_gives_another_port() -> None:
    """The preferred port is used when it is free, else one that Linux does not give to clients."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        other = pick_port([port])

    assert FIRST_PORT <= other <= LAST_PORT
    assert pick_port([port]) == port


def test_two_listeners_get_two_ports() -> None:
    """A port that was just chosen is not chosen again, though it is still free."""
    first = pick_port([])

    assert pick_port([first], taken=[first]) != first
