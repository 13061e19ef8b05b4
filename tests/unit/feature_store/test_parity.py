"""Online and offline are one: what Redis serves is what a fold of the recorded timeline says, byte for byte."""

from collections.abc import Callable, Sequence
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.redis_server import RedisServer
from tests.unit.feature_store.recorded import MODELS, experience, history

from homeostat.codec import Record
from homeostat.events import ProfileUpdated
from homeostat.events.logs import TIMELINE
from homeostat.feature_store import FeatureStore, Filling, profile_of
from homeostat.runtime.replay import replay
from homeostat.services.drift_detector.fold import DriftDetector

TOPIC = "1"
PLACES = 2


@cache
def offline() -> dict[str, bytes]:
    """The last profile of each model, computed from the recorded timeline."""
    log = history()
    found: dict[str, bytes] = {}
    for place in range(log.n_partitions(TIMELINE)):
        for output in replay(DriftDetector(), log.records(TIMELINE, place), log.n_partitions):
            profile = profile_of(output)
            if profile is not None:
                found[profile.data.model] = profile.content
    return found


def online(store: FeatureStore) -> dict[str, bytes]:
    """What the store serves."""
    return {model: latest.content for model in MODELS if (latest := store.latest(model)) is not None}


def fill(store: FeatureStore, sizes: Sequence[int] = (7,)) -> None:
    """Read the log into the store as the eye does: in batches, from where the store is."""
    number = 0
    while True:
        filling = Filling(store, TOPIC, PLACES)
        records = missing(filling)
        if not records:
            return
        filling.take(records[: sizes[number % len(sizes)]])
        number += 1


def missing(filling: Filling) -> list[Record]:
    """What the store has not read yet."""
    return [record for record in experience() if record.offset >= (filling.starts[record.partition] or 0)]


def test_what_is_served_is_what_the_recorded_timeline_says(store: FeatureStore) -> None:
    """For every model: the same bytes, hence the same numbers."""
    fill(store)

    expected = offline()
    assert set(expected) == set(MODELS)
    assert online(store) == expected
    for model in MODELS:
        latest = store.latest(model)
        assert latest is not None
        assert latest.meta_features == ProfileUpdated.model_validate_json(expected[model]).meta_features


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5), wipes=st.sets(st.integers(0, 6)))
def test_two_eyes_and_somebody_who_empties_the_store_end_in_the_same(
    store: FeatureStore, sizes: list[int], wipes: set[int]
) -> None:
    """Batches of any size, two at once with old positions, wipes in between: in the end all of it is there."""
    store.wipe()
    eyes = [Filling(store, TOPIC, PLACES), Filling(store, TOPIC, PLACES)]

    for step in range(7):
        if step in wipes:
            store.wipe()
        eye = eyes[step % 2]
        if not eye.take(missing(eye)[: sizes[step % len(sizes)]]):
            eyes[step % 2] = Filling(store, TOPIC, PLACES)
    fill(store, sizes)

    assert online(store) == offline()
    assert not missing(Filling(store, TOPIC, PLACES))


def test_a_redis_that_was_lost_is_filled_again(server: RedisServer, open_store: Callable[..., FeatureStore]) -> None:
    """It comes back empty; whoever was filling it notices, and begins again."""
    store = open_store()
    filling = Filling(store, TOPIC, PLACES)
    filling.take(experience())
    assert filling.is_held()

    server.stop()
    server.start()

    assert store.latest(MODELS[0]) is None
    assert not filling.is_held()
    fill(store)
    assert online(store) == offline()


def test_an_emptied_store_is_not_taken_for_a_full_one(store: FeatureStore) -> None:
    """Who reads on after a wipe is told, and the position stays at the beginning."""
    filling = Filling(store, TOPIC, PLACES)
    records = [record for record in experience() if record.partition == experience()[0].partition]
    filling.take(records[:2])

    store.wipe()

    assert not filling.take(records[2:4])
    assert store.positions(TOPIC) == {}


def test_a_log_that_was_made_anew_is_read_from_its_beginning(store: FeatureStore) -> None:
    """Positions are of one incarnation of a topic."""
    fill(store)

    again = Filling(store, "another", PLACES)

    assert again.starts == dict.fromkeys(range(PLACES))
