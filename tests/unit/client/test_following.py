"""Reading where nobody answers: it ends, and says so."""

from collections.abc import Mapping, Sequence

import pytest

from homeostat.client.following import KafkaFollower
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Place
from homeostat.codec import Record
from homeostat.events.logs import TELEMETRY
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.kafka_errors import BrokerUnreachable
from homeostat.runtime.settings import HostSettings

NOWHERE = HostSettings(bootstrap_servers="127.0.0.1:9")


def test_following_a_broker_that_is_away_is_said() -> None:
    """Again and again, as often as somebody looks; never silence for ever."""
    follower = KafkaFollower(NOWHERE, Cluster(NOWHERE), {(TELEMETRY, 0): 0}, "test", away_seconds=0.05)

    def look_on() -> None:
        while not follower.poll(0.05):
            pass

    for _ in range(2):
        with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:9.*homeostat up"):
            look_on()
    follower.close()


class Silent(KafkaFollower):
    """Nothing comes, and no error either: a broker that hangs."""

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Hear nothing."""
        return []


def test_reading_what_does_not_come_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that are known to be there are waited for, but not for ever."""
    logs = KafkaLogs(NOWHERE)

    def ranges(topics: Sequence[str]) -> Mapping[Place, tuple[int, int]]:
        return {(topic, 0): (0, 3) for topic in topics}

    monkeypatch.setattr(logs, "ranges", ranges)
    monkeypatch.setattr(logs, "follow", lambda start: Silent(NOWHERE, Cluster(NOWHERE), start, "test"))

    with pytest.raises(BrokerUnreachable, match="no record for 30 s"):
        next(logs.read([TELEMETRY]))
