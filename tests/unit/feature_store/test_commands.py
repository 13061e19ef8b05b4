"""`homeostat features` looks into the store, and makes it anew."""

from pathlib import Path

import pytest
from tests.support.redis_server import RedisServer
from tests.unit.cli.system import System
from tests.unit.feature_store.recorded import MODELS, history
from tests.unit.feature_store.test_parity import offline, online

from homeostat.client.memory import MemoryLogs
from homeostat.events.meta_features import SCHEMA
from homeostat.feature_store import FeatureStore

URL = "HOMEOSTAT_REDIS_URL"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """A command line without a feature store."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    return System(tmp_path)


@pytest.fixture
def connected(command: System, server: RedisServer, store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> System:
    """With one, and the recorded logs."""
    monkeypatch.setenv(URL, server.url)
    command.logs = MemoryLogs(history())  # type: ignore[assignment]  # logs behind which nothing runs
    return command


def test_without_a_store_it_is_said_how_to_have_one(command: System) -> None:
    """A usage error."""
    command("features", "show", "acme/a", code=2)

    assert f"set {URL}" in command.stderr


def test_rebuild_reads_the_log_and_show_shows_it(connected: System, store: FeatureStore) -> None:
    """The same as reading it bit by bit."""
    said = connected("features", "rebuild")

    assert said.startswith(f"{len(MODELS)} models, from ")
    assert online(store) == offline()
    [shown] = connected.json("features", "show", MODELS[0])
    latest = store.latest(MODELS[0])
    assert latest is not None
    assert shown["meta_features"] == latest.meta_features
    assert shown["schema_version"] == SCHEMA.version
    assert (shown["is_fresh"], shown["observed_ms"]) == (False, latest.observed_ms)


def test_a_table_says_what_each_number_means(connected: System) -> None:
    """In the schema's order, with how old they are."""
    connected("features", "rebuild")

    lines = connected("features", "show", MODELS[0]).splitlines()

    assert lines[0].startswith(MODELS[0])
    assert lines[1].strip().startswith("stale: ")
    assert [line.split()[0] for line in lines[4:]] == list(SCHEMA.names)
    assert SCHEMA.features[3].meaning in lines[7]


def test_a_model_that_is_not_there_is_not_found(connected: System) -> None:
    """With a reason."""
    connected("features", "show", "acme/unknown", code=3)

    assert "nothing of acme/unknown" in connected.stderr
