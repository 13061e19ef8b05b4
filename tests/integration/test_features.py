"""The feature store on a real broker: filled by itself, whatever becomes of Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.redis_server import BINARY, RedisServer, is_installed
from tests.unit.feature_store.recorded import record

from homeostat.client.kafka import KafkaLogs
from homeostat.codec.encode import partition_of
from homeostat.events.logs import EXPERIENCE, LOGS
from homeostat.feature_store import FeatureStore, FeatureStoreUnavailable, Latest
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.features import FeatureEye
from homeostat.runtime.settings import HostSettings
from homeostat_tools.local_stack.topics import TopicSpec, ensure_topics

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(not is_installed(), reason=f"no {BINARY} in the path; on Debian: apt-get install {BINARY}"),
]
WAIT_SECONDS = 240.0
MODEL = "features-it/m"


@contextmanager
def watching(settings: HostSettings, store: FeatureStore) -> Iterator[threading.Thread]:
    """Run the eye in a thread."""
    eye = FeatureEye(settings, Cluster(settings), store)
    thread = threading.Thread(target=eye.run)
    thread.start()
    try:
        yield thread
    finally:
        eye.stop()
        thread.join(WAIT_SECONDS)


def wait_for(store: FeatureStore, is_so: Callable[[Latest | None], bool]) -> None:
    """Until the store serves that of the model."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if is_so(store.latest(MODEL)):
                return
        except FeatureStoreUnavailable:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_eye_outlives_redis_and_fills_it_again(kafka: str, tmp_path: Path) -> None:
    """Started before Redis; Redis lost and back, empty; the store wiped: each time it is filled to the end."""
    ensure_topics(kafka, [TopicSpec(log.name, log.partitions or 3, log.config()) for log in LOGS])
    settings = HostSettings(bootstrap_servers=kafka)
    logs, redis = KafkaLogs(settings), RedisServer(tmp_path)
    store = FeatureStore(redis.url)

    def say(offset: int) -> bytes:
        output = record(MODEL, offset=offset, rise=float(offset))
        logs.send(replace(output, partition=partition_of(output.key, logs.n_partitions(EXPERIENCE))))
        logs.flush()
        return output.value or b""

    try:
        with watching(settings, FeatureStore(redis.url)) as thread:
            first = say(1)
            redis.start()
            wait_for(store, lambda latest: latest is not None and latest.content == first)

            second = say(2)
            wait_for(store, lambda latest: latest is not None and latest.content == second)

            redis.stop()
            redis.start()
            wait_for(store, lambda latest: latest is not None and latest.content == second)

            store.wipe()
            wait_for(store, lambda latest: latest is not None and latest.content == second)
            assert thread.is_alive()
        assert not thread.is_alive()
    finally:
        redis.stop()
        store.close()
        logs.close()
