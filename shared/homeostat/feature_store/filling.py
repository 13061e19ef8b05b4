"""Reading a log into the store, from where the store itself says it was read up to."""

from collections.abc import Sequence

from homeostat.codec import Record
from homeostat.feature_store.profile import profile_of
from homeostat.feature_store.store import FeatureStore


class Filling:
    """Keeps a store level with one log. Nothing is kept here that the store does not have.

    Order of calls: records of each partition from `starts` on without a gap; as soon as `take` or `is_held` says
    False, begin again with another one: the store was emptied, or another process fills it too.

    Args:
        store: The store.
        topic_id: Incarnation of the log.
        n_partitions: Of the log.

    Raises:
        FeatureStoreUnavailable: From here and from every method.
    """

    def __init__(self, store: FeatureStore, topic_id: str, n_partitions: int) -> None:
        self._store, self._topic_id = store, topic_id
        held = store.positions(topic_id)
        self._positions: dict[int, int | None] = {place: held.get(place) for place in range(n_partitions)}

    @property
    def starts(self) -> dict[int, int | None]:
        """Next offset to read by partition; None for the log's beginning."""
        return dict(self._positions)

    def take(self, records: Sequence[Record]) -> bool:
        """Put the profiles among some records; says whether the positions were where they were left."""
        by_place: dict[int, list[Record]] = {}
        for record in records:
            by_place.setdefault(record.partition, []).append(record)
        return all(self._take(place, ours) for place, ours in by_place.items())

    def is_held(self) -> bool:
        """Whether the store still says what it was told here."""
        held = self._store.positions(self._topic_id)
        return all(held.get(place) == position for place, position in self._positions.items())

    def _take(self, place: int, records: Sequence[Record]) -> bool:
        profiles = [profile for profile in map(profile_of, records) if profile is not None]
        start, end = self._positions[place], records[-1].offset + 1
        self._positions[place] = end
        return self._store.take(profiles, self._topic_id, place, start, end)
