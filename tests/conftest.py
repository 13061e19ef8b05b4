"""What every test gets: a clean environment, and a broker on request."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.support.broker import shared_broker, temporary_topic

from homeostat.testing.simulate import fresh_seed
from homeostat_tools.local_stack.broker import Broker
from homeostat_tools.local_stack.errors import KafkaUnavailable

CACHE = "HOMEOSTAT_CACHE_DIR"
# No example fails by its time: a slow machine, or a busy one, is no error.
settings.register_profile("homeostat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("homeostat")

SLOW = frozenset((Path(__file__).parent / "slow.txt").read_text("utf-8").split())
"""Tests that take more than two seconds, as `pytest --durations=0` says on a quiet machine of two cores."""

KAFKA_39 = Path(__file__).parent / "support" / "kafka-3.9.lock"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--kafka`."""
    parser.addoption("--kafka", metavar="HOST:PORT", help="use this broker instead of starting one")
    parser.addoption("--seed", type=int, help="simulate from this seed on instead of from a fresh one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `slow.txt` names, and those that need a broker, as slow."""
    for item in items:
        name = item.nodeid.partition("[")[0]
        if name in SLOW or item.get_closest_marker("kafka") is not None:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings of the shell it runs in; only the place of downloads is kept."""
    for name in list(os.environ):
        if name.startswith("HOMEOSTAT_") and name != CACHE:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logging_stays_as_it_is() -> Iterator[None]:
    """No command that a test runs in this process leaves its logging changed: later tests read their logs."""
    before = structlog.get_config()
    yield
    after = structlog.get_config()
    structlog.configure(**before)
    assert after == before, "the test left the logging of its process changed"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line that is seen although the test passes."""

    def out(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return out


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    """Seed to simulate from: nobody has played it, unless it was named."""
    named: int | None = request.config.getoption("--seed")
    return fresh_seed() if named is None else named


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


@pytest.fixture(scope="session")
def kafka_39(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a broker of Kafka 3.9, which speaks the classic protocol of groups only."""
    with ExitStack() as stack:
        try:
            broker = stack.enter_context(Broker(tmp_path_factory.mktemp("broker-39"), lock=KAFKA_39))
        except KafkaUnavailable as unavailable:
            pytest.skip(f"no Kafka 3.9: {unavailable.what} {unavailable.todo}")
        yield broker.bootstrap_servers


@pytest.fixture
def new_topic(kafka: str) -> Iterator[Callable[..., str]]:
    """Create topics: `new_topic(partitions=3)` returns a name nobody else uses; deleted after the test."""
    with ExitStack() as stack:
        yield lambda **wanted: stack.enter_context(temporary_topic(kafka, **wanted))
