"""What can be wrong with the store; none of it names a password."""

from urllib.parse import urlsplit

from homeostat.core import Halt, Retry


class FeatureStoreUnavailable(Retry):
    """Redis does not answer, or refuses.

    Nothing that decides needs it. Operator: check HOMEOSTAT_REDIS_URL, start Redis.
    """

    def __init__(self, url: str, reason: str) -> None:
        place = place_of(url)
        super().__init__(f"no feature store at {place} ({reason}); check HOMEOSTAT_REDIS_URL, or start redis-server")
        self.place, self.reason = place, reason


class RedisUrlInvalid(Halt):
    """The address is none of a Redis.

    Operator: give redis://host:port/database, or rediss:// for TLS.
    """

    def __init__(self, url: str) -> None:
        super().__init__(f"{place_of(url)!r} is no address of a Redis: give redis://host:port/database")


class RedisExtraMissing(Halt):
    """The extra `redis` is not installed.

    Operator: pip install 'homeostat[redis]', or unset HOMEOSTAT_REDIS_URL.
    """

    def __init__(self) -> None:
        super().__init__("a feature store needs redis-py: pip install 'homeostat[redis]'")


def place_of(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
