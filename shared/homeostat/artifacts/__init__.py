"""Content-addressed store for what is too large for a log: weights, arrays, settings."""

from homeostat.artifacts.folder import FolderStore
from homeostat.artifacts.objects import ObjectStore, ObjectStoreExtraMissing
from homeostat.artifacts.pointer import Pointer, open_pointer
from homeostat.artifacts.store import ArtifactCorrupted, ArtifactMissing, ArtifactStore, StoreUnavailable, digest_of
from homeostat.artifacts.url import StoreUrlInvalid, open_store

__all__ = [
    "ArtifactCorrupted",
    "ArtifactMissing",
    "ArtifactStore",
    "FolderStore",
    "ObjectStore",
    "ObjectStoreExtraMissing",
    "Pointer",
    "StoreUnavailable",
    "StoreUrlInvalid",
    "digest_of",
    "open_pointer",
    "open_store",
]
