"""Exactly-once on a real broker: two stages of processes, killed, stopped, woken, rebalanced."""

import signal

import pytest
from tests.support.two_stage import Stages, wait_until

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 240.0


def test_two_stages_lose_and_double_nothing(kafka: str) -> None:
    """Two kills, one zombie, one rebalance: each stage's output equals an in-memory fold of its input log."""
    with Stages(kafka) as stages:
        zombie, first, second = stages.start("one"), stages.start("one"), stages.start("two")
        stages.publish(600)
        wait_until(lambda: stages.count("mid") > 300, PATIENCE_SECONDS)
        zombie.send_signal(signal.SIGSTOP)
        first.kill()
        second.kill()
        stages.publish(600)
        stages.start("one")  # they inherit everything, once the dead are missed: a rebalance
        stages.start("two")
        stages.settle(PATIENCE_SECONDS)  # what the zombie held is done by others
        zombie.send_signal(signal.SIGCONT)  # it says what it was about to say, and joins again: another rebalance
        stages.publish(600)
        stages.settle(PATIENCE_SECONDS)
        found = stages.exactness()

    assert found.is_exact, found
    assert found.n_outputs == 2 * stages.n_expected + 36


def test_a_graceful_stop_leaves_a_clean_place(kafka: str) -> None:
    """SIGTERM leaves the group and a clean marker, and the exit code says so: the next process goes on at once."""
    with Stages(kafka) as stages:
        process = stages.start("one")
        stages.publish(60)
        wait_until(lambda: stages.count("mid") >= stages.n_expected, PATIENCE_SECONDS)

        process.terminate()

        assert process.wait(timeout=PATIENCE_SECONDS) == 0
