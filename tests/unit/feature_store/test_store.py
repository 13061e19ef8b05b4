"""The store serves the latest profile of each model, and says how old it is."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from tests.support.redis_server import BINARY, RedisServer, is_installed, running_redis
from tests.unit.feature_store.recorded import profile, record

from homeostat.events.meta_features import SCHEMA
from homeostat.feature_store import (
    FeatureStore,
    FeatureStoreUnavailable,
    Profile,
    RedisUrlInvalid,
    profile_of,
)


def test_nothing_is_known_of_a_model_that_never_drifted(store: FeatureStore) -> None:
    """None, and an empty summary."""
    assert store.latest("acme/a") is None
    assert (store.summary().n_models, store.summary().stalest_seconds) == (0, None)


def test_one_model_is_forgotten(open_store: Callable[..., FeatureStore]) -> None:
    """And is put back by its next profile, even the same."""
    store = open_store(clock=lambda: 31.0)
    store.put(profile(time=1_000))

    store.forget("acme/a")

    assert store.latest("acme/a") is None
    assert store.summary().n_models == 0
    assert store.put(profile(time=1_000))


def test_what_is_put_is_served(open_store: Callable[..., FeatureStore]) -> None:
    """Every field of the event, its verbatim value, its identity and its age."""
    store = open_store(clock=lambda: 31.0)

    assert store.put(profile(time=1_000, rise=0.5))

    latest = store.latest("acme/a")
    assert latest is not None
    assert (latest.model, latest.version, latest.labels_since_onset) == ("acme/a", "v1", 80)
    assert latest.meta_features == dict.fromkeys(SCHEMA.names, 0.25) | {SCHEMA.names[0]: 0.5}
    assert (latest.observed_ms, latest.age_seconds) == (1_000, 30.0)
    assert (latest.schema_version, latest.is_fresh) == (SCHEMA.version, True)
    assert latest.event == "/homeostat/drift_detector/homeostat.timeline/u/0#1.0"
    assert latest.content == record(rise=0.5).value


def test_the_later_of_two_events_wins_in_any_order(store: FeatureStore) -> None:
    """By time, then by position: a topic that was made anew begins again at offset 0. Repeats change nothing."""
    profiles = [profile(offset=8, time=1, rise=1.0), profile(offset=9, time=1, rise=2.0), profile(offset=0, time=2)]
    for order in permutations(profiles):
        store.wipe()

        for one in (*order, *order):
            store.put(one)

        latest = store.latest("acme/a")
        assert latest is not None
        assert latest.content == profiles[-1].content


def test_an_event_is_taken_once(store: FeatureStore) -> None:
    """A repetition is refused, and so is what came before."""
    assert [store.put(profile(offset=n)) for n in (5, 5, 4, 6)] == [True, False, False, True]


def test_a_profile_is_fresh_up_to_the_limit(open_store: Callable[..., FeatureStore]) -> None:
    """Of its schema; a clock that is behind makes nothing younger than new."""
    limit = SCHEMA.freshness_seconds
    for now, age, is_fresh in ((1.0 + limit, limit, True), (1.5 + limit, limit + 0.5, False), (0.0, 0.0, True)):
        store = open_store(clock=lambda now=now: now)
        store.put(profile(time=1_000))

        latest = store.latest("acme/a")

        assert latest is not None
        assert (latest.age_seconds, latest.is_fresh) == (age, is_fresh)


def test_a_profile_with_other_names_is_served_as_of_no_schema(open_store: Callable[..., FeatureStore]) -> None:
    """It is what there is, and never fresh."""
    store = open_store(clock=lambda: 1.0)
    other = profile_of(record(names=("mood", "weather")))
    assert isinstance(other, Profile)

    store.put(other)

    latest = store.latest("acme/a")
    assert latest is not None
    assert (latest.schema_version, latest.is_fresh) == (None, False)
    assert set(latest.meta_features) == {"mood", "weather"}


def test_the_summary_tells_of_the_stalest_model(open_store: Callable[..., FeatureStore]) -> None:
    """Its newest profile counts, not its first."""
    store = open_store(clock=lambda: 10.0)
    for model, time in (("acme/a", 1_000), ("acme/b", 4_000), ("acme/a", 6_000)):
        store.put(profile(model, offset=time, time=time))

    assert (store.summary().n_models, store.summary().stalest_seconds) == (2, 6.0)


def test_what_is_no_profile_is_passed_over() -> None:
    """Other types, other senders, damaged values."""
    good = record()
    headers = dict(good.headers)

    for damage in ({"ce_type": b"homeostat.drift.detected.v1"}, {"ce_sequence": None}, {"ce_time": b"yesterday"}):
        lines = {name: value for name, value in (headers | damage).items() if value is not None}
        record_ = record()
        record_.headers = list(lines.items())
        assert profile_of(record_) is None
    good.value = b"{}"
    assert profile_of(good) is None


def test_a_store_that_is_away_says_where_and_what_to_do(server: RedisServer, tmp_path: Path) -> None:
    """Every call, and never with the password."""
    with running_redis(tmp_path, password="hush") as other:
        away = FeatureStore(other.url)
        away.put(profile())
    calls: list[Callable[[], object]] = [
        lambda: away.latest("acme/a"),
        away.summary,
        away.wipe,
        lambda: away.put(profile()),
        lambda: away.positions("t"),
        lambda: away.take([profile()], "t", 0, None, 1),
    ]

    for call in calls:
        with pytest.raises(FeatureStoreUnavailable, match="start redis-server") as raised:
            call()
        assert "hush" not in str(raised.value)


@pytest.mark.skipif(not is_installed(), reason=f"no {BINARY} in the path")
def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    """As a store that is not there."""
    with running_redis(tmp_path, password="right") as server:
        store = FeatureStore(server.url.replace("right", "wrong"))

        with pytest.raises(FeatureStoreUnavailable, match="redis://127") as raised:
            store.latest("acme/a")

    assert "wrong" not in raised.value.place
    store.close()


def test_what_is_no_address_is_refused() -> None:
    """At once, without the password in it."""
    with pytest.raises(RedisUrlInvalid, match="redis://host:port") as raised:
        FeatureStore("http://me:secret@cache:6379")
    assert "secret" not in str(raised.value)
