"""The in-memory host and the replay do what every host must do; the Kafka host's turn is in tests/integration."""

import pytest

from homeostat.events.logs import TIMELINE
from homeostat.runtime.errors import GapFound, TopicReplaced
from homeostat.testing.hosts import (
    DOOR_CHECKS,
    HOST_CHECKS,
    HostCheck,
    passes_over_what_a_transaction_uses_up,
)
from homeostat.testing.memory_hosts import MemoryUnderTest, ReplayUnderTest
from homeostat.testing.signals import signals


@pytest.mark.parametrize("check", HOST_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("host", [MemoryUnderTest, ReplayUnderTest])
def test_a_host_conforms(host: type[MemoryUnderTest], check: HostCheck) -> None:
    """The check says what is wrong."""
    check(host())


@pytest.mark.parametrize("check", DOOR_CHECKS, ids=lambda check: check.__name__)
def test_a_host_conforms_at_a_door(check: HostCheck) -> None:
    """As above."""
    check(MemoryUnderTest(is_door=True))


def test_a_replay_conforms_at_a_door() -> None:
    """As above; what has expired, or was replaced, it cannot know."""
    passes_over_what_a_transaction_uses_up(ReplayUnderTest(is_door=True))


def test_an_internal_log_may_lose_nothing() -> None:
    """A loss halts, whatever its cause, and the line says what to do."""
    host = MemoryUnderTest()
    host.write(signals(TIMELINE, 20, seed=1))
    host.settle(0)
    host.stop()

    host.expire(25)
    with pytest.raises(GapFound, match=r"offset .* expected, 25 found.*export.*homeostat topics create"):
        host.start()
    host.replace()
    with pytest.raises(TopicReplaced, match=r"deleted and made again.*homeostat.snapshots.counter"):
        host.start()


def test_an_internal_log_has_no_gaps() -> None:
    """An offset without a record halts at once."""
    host = MemoryUnderTest()
    host.skip()
    host.write(signals(TIMELINE, 1, seed=1))

    with pytest.raises(GapFound, match="offset 0 expected, 3 found"):
        host.settle(0)
