"""A flood at each door of a real stack: freezes come through, what is left out is counted, every process lives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.runtime.settings import HostSettings
from homeostat_lab.bench import floods
from homeostat_lab.bench.ground import Ground
from homeostat_lab.bench.row import Row
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
SHARE = 0.05
"""5,000 registrations, 10,000 refusals, three times 2,500 requests, 150,000 rows."""

MOST_MB = 1_500
"""No process needs as much, the trainer with torch apart from it: bounds of counts keep it, not the size of a flood."""


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """A broker of our own: a flood is nobody else's business."""
    broker = Broker(tmp_path)
    try:
        broker.start()
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
    made = Ground(tmp_path, HostSettings(bootstrap_servers=broker.bootstrap_servers, data_dir=tmp_path / "data"))
    yield made
    made.end()
    broker.stop()


def test_every_freeze_and_every_row_comes_through_every_flood(ground: Ground) -> None:
    """All probes of all floods arrive (the benchmark fails if one does not) and no process was started again."""
    found = list(floods.floods(ground, SHARE))

    assert len({row.name.partition(":")[0] for row in found}) == 6
    assert len([row for row in found if "freeze to brake.set" in row.name]) == 18
    assert not [row.name for row in found if _is_too_large(row)]


def _is_too_large(row: Row) -> bool:
    return "greatest memory" in row.name and (row.value or 0.0) > MOST_MB
