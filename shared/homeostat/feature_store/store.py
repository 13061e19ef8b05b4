"""The latest profile of each model in Redis, and how far the logs have been read into it.

Three kinds of keys, all under `homeostat:meta-features:`; to delete them loses nothing:

- `model:<scope/model>`: hash of the latest profile: value, order, observed_ms, event, schema.
- `models`: sorted set of the models by `observed_ms`.
- `positions`: hash of the next offset to read by `<topic id>/<partition>`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeostat.events import ProfileUpdated
from homeostat.events.meta_features import SCHEMA, Schema
from homeostat.feature_store.errors import FeatureStoreUnavailable, RedisExtraMissing, RedisUrlInvalid
from homeostat.feature_store.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "homeostat:meta-features:"
_MODELS: Final = f"{_PREFIX}models"
_POSITIONS: Final = f"{_PREFIX}positions"
_TIMEOUT_SECONDS: Final = 2.0

# Two writers may run at once, and each may repeat itself: only what comes later may replace what is there.
_PUT: Final = """
local held = redis.call('HGET', KEYS[1], 'order')
if held and held >= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'order', ARGV[2], 'observed_ms', ARGV[3], 'event', ARGV[4], 'schema', ARGV[5],
           'value', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
"""
# A position moves on only from where its writer began: a store that was emptied meanwhile is read into again.
_ADVANCE: Final = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_WIPE: Final = """
for _, model in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', ARGV[1] .. model) end
redis.call('DEL', KEYS[1], KEYS[2])
"""


@dataclass(frozen=True, slots=True)
class Latest:
    """What the store serves of a model.

    Args:
        model: scope/model.
        version: Its champion when the profile was made.
        meta_features: By name.
        labels_since_onset: Labelled rows since the drift began.
        schema_version: Of the schema whose names these are; None if they are not those of the writer's.
        observed_ms: Broker time of the rows that led to it, ms since the epoch.
        age_seconds: Since then, by this machine's clock.
        is_fresh: It is of the reader's schema, and not older than that allows.
        event: Identity of the event that said so: `homeostat story` shows what led to it.
        content: The event's value, verbatim.
    """

    model: str
    version: str
    meta_features: dict[str, float]
    labels_since_onset: int
    schema_version: str | None
    observed_ms: int
    age_seconds: float
    is_fresh: bool
    event: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """State of the store.

    Args:
        n_models: Models it holds.
        stalest_seconds: Age of the oldest profile among them; None if there is none.
    """

    n_models: int
    stalest_seconds: float | None


class FeatureStore:
    """Latest meta-features per model. Safe for several threads; connects when it is first asked.

    After a crash of Redis it may be empty or old, never wrong about what it serves: `age_seconds` says how old.
    Every method raises `FeatureStoreUnavailable` when Redis does not answer within two seconds.

    Args:
        url: `redis://[user:password@]host:port/database`, or `rediss://`.
        schema: What is expected of a profile.
        clock: Seconds since the epoch, for ages.

    Raises:
        RedisExtraMissing: The extra `redis` is not installed.
        RedisUrlInvalid: No such address.
    """

    def __init__(self, url: str, *, schema: Schema = SCHEMA, clock: Callable[[], float] = time.time) -> None:
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ModuleNotFoundError:
            raise RedisExtraMissing from None
        try:
            # One repetition, at once, for a connection that was lost while nobody used it.
            self._redis: Redis = Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_SECONDS,
                socket_connect_timeout=_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:
            raise RedisUrlInvalid(url) from None
        self._url, self._schema, self._clock = url, schema, clock
        self._put = self._redis.register_script(_PUT)
        self._advance = self._redis.register_script(_ADVANCE)
        self._wipe = self._redis.register_script(_WIPE)

    def latest(self, model: str) -> Latest | None:
        """Return the newest profile of a model; None if the store has none."""
        with self._answering():
            held: dict[bytes, bytes] = _known(self._redis.hgetall(_key(model)))
        if not held:
            return None
        data = ProfileUpdated.model_validate_json(held[b"value"])
        observed_ms, version = int(held[b"observed_ms"]), held[b"schema"].decode()
        age = self._age(observed_ms)
        return Latest(
            model=data.model,
            version=data.version,
            meta_features=dict(data.meta_features),
            labels_since_onset=data.labels_since_onset,
            schema_version=version or None,
            observed_ms=observed_ms,
            age_seconds=age,
            is_fresh=version == self._schema.version and age <= self._schema.freshness_seconds,
            event=held[b"event"].decode(),
            content=held[b"value"],
        )

    def summary(self) -> Summary:
        """Return how many models there are and how old the oldest profile is."""
        with self._answering():
            n_models = int(_known(self._redis.zcard(_MODELS)))
            oldest: list[tuple[bytes, float]] = _known(self._redis.zrange(_MODELS, 0, 0, withscores=True))
        return Summary(n_models, self._age(int(oldest[0][1])) if oldest else None)

    def put(self, profile: Profile) -> bool:
        """Take a profile unless the model has that one or a later one; say whether it was taken."""
        with self._answering():
            return bool(self._queue_put(profile, self._redis))

    def take(self, profiles: Sequence[Profile], topic_id: str, partition: int, start: int | None, end: int) -> bool:
        """Put profiles, and say that the log has been read up to `end`, both or neither.

        Args:
            profiles: All that lie in the log from `start` to `end`.
            topic_id: Incarnation of the log.
            partition: Of the log.
            start: The position that `positions` gave, or the last `end`; None for the log's beginning.
            end: The next offset to read.

        Returns:
            False if the position is no longer `start`: the store was emptied, or somebody else fills it too.
        """
        with self._answering():
            pipe = self._redis.pipeline(transaction=True)
            for profile in profiles:
                self._queue_put(profile, pipe)
            expected = "" if start is None else str(start)
            self._advance(keys=[_POSITIONS], args=[f"{topic_id}/{partition}", expected, str(end)], client=pipe)
            return bool(pipe.execute()[-1])

    def positions(self, topic_id: str) -> dict[int, int]:
        """Return the next offset to read by partition; those that were never read are missing."""
        with self._answering():
            held: dict[bytes, bytes] = _known(self._redis.hgetall(_POSITIONS))
        places = ((name.decode().rpartition("/"), int(offset)) for name, offset in held.items())
        return {int(partition): offset for (topic, _, partition), offset in places if topic == topic_id}

    def forget(self, model: str) -> None:
        """Forget one model; whoever fills the store puts it back with its next profile."""
        with self._answering():
            self._redis.delete(_key(model))
            self._redis.zrem(_MODELS, model)

    def wipe(self) -> None:
        """Forget everything; whoever fills the store begins again with the logs."""
        with self._answering():
            self._wipe(keys=[_MODELS, _POSITIONS], args=[_key("")])

    def close(self) -> None:
        """Give connections back."""
        self._redis.close()

    def _queue_put(self, profile: Profile, client: Any) -> Any:
        data = profile.data
        version = self._schema.version if self._schema.has(data.meta_features) else ""
        return self._put(
            keys=[_key(data.model), _MODELS],
            args=[data.model, profile.order, profile.observed_ms, profile.event, version, profile.content],
            client=client,
        )

    def _age(self, observed_ms: int) -> float:
        return max(0.0, self._clock() - observed_ms / 1000)

    @contextmanager
    def _answering(self) -> "Iterator[None]":
        from redis import RedisError

        try:
            yield
        except RedisError as error:
            raise FeatureStoreUnavailable(self._url, f"{type(error).__name__}: {error}") from None


def _key(model: str) -> str:
    return f"{_PREFIX}model:{model}"


def _known(answer: Any) -> Any:
    """An answer of the client, whose types speak of its asynchronous twin as well."""
    return answer
