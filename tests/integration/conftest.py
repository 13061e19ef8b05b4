"""A stack of all services, for the tests that kill, freeze and stop them."""

from collections.abc import Iterator

import pytest
from tests.support.live_chaos import Ordeal, ordeal

from homeostat_tools.local_stack.errors import KafkaUnavailable


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """All services but the trainer, on a broker of their own."""
    try:
        with ordeal(tmp_path_factory.mktemp("services")) as started:
            yield started
    except KafkaUnavailable as unavailable:
        pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
