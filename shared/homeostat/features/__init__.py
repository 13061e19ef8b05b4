"""The online feature store: the latest meta-features per model in Redis, a cache of the logs and never the truth."""

from homeostat.features.errors import FeatureStoreUnavailable, RedisExtraMissing, RedisUrlInvalid
from homeostat.features.filling import Filling
from homeostat.features.profile import Profile, profile_of
from homeostat.features.store import FeatureStore, Latest, Summary

__all__ = [
    "FeatureStore",
    "FeatureStoreUnavailable",
    "Filling",
    "Latest",
    "Profile",
    "RedisExtraMissing",
    "RedisUrlInvalid",
    "Summary",
    "profile_of",
]
