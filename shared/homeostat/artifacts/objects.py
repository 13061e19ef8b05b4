"""Artifacts in a bucket, through obstore (extra `object-store`)."""

from typing import TYPE_CHECKING

from homeostat.artifacts.store import ArtifactMissing, StoreUnavailable, checked, digest_of, is_digest, key_of
from homeostat.core import Halt

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket


class ObjectStoreExtraMissing(Halt):
    """A bucket is asked for, and the package that speaks to buckets is not installed.

    Operator: `pip install "homeostat[object-store]"`, or use a folder.
    """

    def __init__(self, url: str) -> None:
        super().__init__(f'artifact store {url} needs `pip install "homeostat[object-store]"`')
        self.url = url


class ObjectStore:
    """An `ArtifactStore` below a bucket's prefix, one object each at `<first two digits>/<digest>`.

    Credentials and region come from where the cloud's own tools look for them.

    Args:
        bucket: obstore's store; its prefix is the root.
        root: URL of the root, for `url` and errors.
    """

    def __init__(self, bucket: "Bucket", root: str) -> None:
        self._bucket, self._root = bucket, root.rstrip("/")

    def put(self, content: bytes) -> str:
        """See `ArtifactStore.put`."""
        from obstore.exceptions import BaseError

        digest = digest_of(content)
        try:
            self._bucket.put(key_of(digest, self._root), content)
        except (BaseError, OSError) as error:
            raise StoreUnavailable(self._root, str(error)) from error
        return digest

    def get(self, digest: str) -> bytes:
        """See `ArtifactStore.get`."""
        from obstore.exceptions import BaseError

        key = key_of(digest, self._root)
        try:
            content = bytes(self._bucket.get(key).bytes())
        except FileNotFoundError:
            raise ArtifactMissing(digest, self._root) from None
        except (BaseError, OSError) as error:
            raise StoreUnavailable(self._root, str(error)) from error
        return checked(content, digest, self.url(digest))

    def exists(self, digest: str) -> bool:
        """See `ArtifactStore.exists`."""
        from obstore.exceptions import BaseError

        if not is_digest(digest):
            return False
        try:
            self._bucket.head(key_of(digest, self._root))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise StoreUnavailable(self._root, str(error)) from error
        return True

    def url(self, digest: str) -> str:
        """See `ArtifactStore.url`."""
        return f"{self._root}/{key_of(digest, self._root)}"
