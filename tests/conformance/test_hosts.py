"""The in-memory host and the replay do what every host must do; the Kafka host's turn is in tests/integration."""

import pytest

from homeostat.testing.hosts import HOST_CHECKS, HostCheck, MemoryUnderTest, ReplayUnderTest


@pytest.mark.parametrize("check", HOST_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("host", [MemoryUnderTest, ReplayUnderTest])
def test_a_host_conforms(host: type[MemoryUnderTest], check: HostCheck) -> None:
    """The check says what is wrong."""
    check(host())
