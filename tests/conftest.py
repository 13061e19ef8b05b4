"""What every test gets: a clean environment, and a broker on request."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from homeostat.stack.errors import KafkaUnavailable
from homeostat.testing.broker import shared_broker, temporary_topic

CACHE = "HOMEOSTAT_CACHE_DIR"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--kafka`."""
    parser.addoption("--kafka", metavar="HOST:PORT", help="use this broker instead of starting one")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings of the shell it runs in; only the place of downloads is kept."""
    for name in list(os.environ):
        if name.startswith("HOMEOSTAT_") and name != CACHE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of the session's broker; mark the test with `kafka`."""
    address: str | None = request.config.getoption("--kafka")
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(shared_broker(tmp_path_factory.mktemp("broker"), address))
        except KafkaUnavailable as unavailable:
            pytest.skip(f"no Kafka: {unavailable.what} {unavailable.todo}")
        yield servers


@pytest.fixture
def new_topic(kafka: str) -> Iterator[Callable[..., str]]:
    """Create topics: `new_topic(partitions=3)` returns a name nobody else uses; deleted after the test."""
    with ExitStack() as stack:
        yield lambda **wanted: stack.enter_context(temporary_topic(kafka, **wanted))
