"""From the address of a store to the store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from homeostat.artifacts.folder import FolderStore
from homeostat.artifacts.objects import ObjectStore, ObjectStoreExtraMissing
from homeostat.artifacts.store import ArtifactStore
from homeostat.core import Halt


class StoreUrlInvalid(Halt):
    """The address names no store.

    Operator: give a folder, `file:///folder`, or a bucket such as `s3://bucket/prefix`.
    """

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"artifact store {url!r}: {why}; give a folder, file:///folder or s3://bucket/prefix")
        self.url, self.why = url, why


def open_store(url: str | Path) -> ArtifactStore:
    """Open the store at an address; no connection is made yet.

    Args:
        url: A path, `file://…`, or what obstore knows: `s3://`, `gs://`, `az://`, `https://`, and
            `memory://`, which is empty, private to the returned object, and gone with it.

    Raises:
        StoreUrlInvalid: Not such an address.
        ObjectStoreExtraMissing: The extra `object-store` is needed.
    """
    if isinstance(url, Path) or "://" not in url:
        return FolderStore(Path(url))
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise StoreUrlInvalid(url, "a file URL has three slashes and an absolute path")
        return FolderStore(Path(unquote(parts.path)))
    try:
        from obstore.exceptions import BaseError
        from obstore.store import MemoryStore, from_url
    except ModuleNotFoundError:
        raise ObjectStoreExtraMissing(url) from None
    if parts.scheme == "memory":
        return ObjectStore(MemoryStore(), url)
    try:
        return ObjectStore(from_url(url), url)
    except (BaseError, ValueError) as error:
        raise StoreUrlInvalid(url, str(error)) from error
