"""What the eye shows of the store."""

from typing import cast

from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from tests.support.redis_server import RedisServer
from tests.unit.feature_store.recorded import profile

from homeostat.feature_store import FeatureStore
from homeostat.runtime.cluster import Cluster
from homeostat.runtime.features import FeatureEye, online_store
from homeostat.runtime.process import Context
from homeostat.runtime.settings import HostSettings
from homeostat.telemetry.metrics import CATALOGUE


def test_number_of_models_and_age_of_the_stalest_are_shown(store: FeatureStore) -> None:
    """Under the names of the catalogue."""
    for model in ("acme/a", "acme/b"):
        store.put(profile(model))
    registry = CollectorRegistry()

    registry.register(FeatureEye(HostSettings(), cast(Cluster, None), store))

    assert registry.get_sample_value("homeostat_meta_features_models") == 2
    assert (registry.get_sample_value("homeostat_meta_features_age_seconds") or 0) > 1e9
    assert {family.name for family in registry.collect()} <= {entry.name for entry in CATALOGUE}


def test_an_empty_store_has_no_age(store: FeatureStore) -> None:
    """Nothing is better than a zero that looks fresh."""
    families = list(FeatureEye(HostSettings(), cast(Cluster, None), store).collect())

    assert [family.name for family in families] == ["homeostat_meta_features_models"]


def test_a_store_that_is_away_shows_nothing() -> None:
    """And does not fail the scrape of the deciders beside it."""
    away = FeatureStore("redis://127.0.0.1:1/0")

    assert list(FeatureEye(HostSettings(), cast(Cluster, None), away).collect()) == []


def test_the_eye_is_there_if_it_is_wanted(server: RedisServer) -> None:
    """One service more in the process, with its series; ready whether Redis is or not."""
    plain = Context(HostSettings(), cast(Cluster, None))
    wanted = Context(HostSettings(redis_url=SecretStr(server.url)), cast(Cluster, None))

    assert online_store(plain) == []
    [eye] = online_store(wanted)
    assert (eye.service, eye.problem) == ("feature-eye", "")
    assert [id(collector) for collector in wanted.collectors] == [id(eye)]
