"""The online feature store: the latest meta-features per model in Redis, a cache of the logs and never the truth."""

from homeostat.feature_store.errors import FeatureStoreUnavailable, RedisExtraMissing, RedisUrlInvalid
from homeostat.feature_store.filling import Filling
from homeostat.feature_store.profile import Profile, profile_of
from homeostat.feature_store.store import FeatureStore, Latest, Summary

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
