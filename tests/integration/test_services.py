"""The real services on a real Kafka: killed, stopped, woken, rebalanced, frozen, fed with nonsense; nothing is lost."""

from collections.abc import Iterator

import pytest

from homeostat.demo.memory_loop import folds
from homeostat.demo.proof import prove
from homeostat.demo.world import World
from homeostat.stack.errors import KafkaUnavailable
from homeostat.testing.ordeal import Ordeal, ordeal
from homeostat.testing.rehearsal import EVENTFUL

pytestmark = pytest.mark.kafka
STATIONS, FIRST, ROUNDS = 6, 40, 80
"""Of the world `EVENTFUL`, in which nothing happens before event 40."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """All services but the trainer, on a broker of their own."""
    try:
        with ordeal(tmp_path_factory.mktemp("services")) as started:
            yield started
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")


def test_what_is_published_is_the_fold_of_the_input(running: Ordeal) -> None:
    """Two kills, one zombie, one rebalance: 0 lost, 0 doubled, and every decision is derived again."""
    rounds = iter(range(FIRST, FIRST + ROUNDS))
    running.install(World(EVENTFUL, STATIONS, FIRST + ROUNDS))

    def play(n: int, *, is_paced: bool = True) -> None:
        for _ in range(n):
            running.play(next(rounds), is_paced=is_paced)

    play(15)
    running.kill("intake")
    play(5, is_paced=False)
    running.kill("deciders")
    play(20)
    with running.another("drift_detector") as port:
        running.await_partitions(port, "homeostat.timeline", 1)
        play(5)
        with running.frozen("detector"):
            play(5, is_paced=False)
            running.await_partitions(port, "homeostat.timeline", running.system.places("homeostat.timeline"))
            play(5, is_paced=False)
        play(10)
    play(15)
    running.settle()

    found, report = running.exactness(), prove(running.system, folds())
    assert found.is_exact, found
    assert found.n_outputs > 1000
    assert report.is_equal, report.differences[:5]
    assert report.n_equal == found.n_outputs
    print(found)
