"""A Redis for the tests of this folder, empty before each."""

from collections.abc import Callable, Iterator

import pytest
from tests.support.redis_server import BINARY, RedisServer, is_installed, running_redis

from homeostat.feature_store import FeatureStore


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that keeps nothing over a restart."""
    if not is_installed():
        pytest.skip(f"no {BINARY} in the path; on Debian: apt-get install {BINARY}")
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def open_store(server: RedisServer) -> Iterator[Callable[..., FeatureStore]]:
    """Open an empty store on it, as often as wanted."""
    stores: list[FeatureStore] = []

    def opened(**options: object) -> FeatureStore:
        stores.append(FeatureStore(server.url, **options))  # type: ignore[arg-type]  # passed on as they come
        return stores[-1]

    opened().wipe()
    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., FeatureStore]) -> FeatureStore:
    """An empty store."""
    return open_store()
