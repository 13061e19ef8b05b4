"""Artifacts in a folder of a file system."""

from pathlib import Path

from homeostat.artifacts.store import ArtifactMissing, StoreUnavailable, checked, digest_of, is_digest, key_of
from homeostat.durable_file import replace_file


class FolderStore:
    """An `ArtifactStore` below a folder, one file each at `<first two digits>/<digest>`.

    A file appears whole or not at all (written beside, synced, renamed). Bytes that were damaged on
    the disk are healed by the next `put` of the same artifact.

    Args:
        root: The folder; made at the first `put`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, content: bytes) -> str:
        """See `ArtifactStore.put`."""
        digest = digest_of(content)
        path = self._path(digest)
        try:
            if path.is_file() and path.read_bytes() == content:
                return digest
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)
        except OSError as error:
            raise StoreUnavailable(self.root.as_uri(), str(error)) from error
        return digest

    def get(self, digest: str) -> bytes:
        """See `ArtifactStore.get`."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise ArtifactMissing(digest, self.root.as_uri()) from None
        except OSError as error:
            raise StoreUnavailable(self.root.as_uri(), str(error)) from error
        return checked(content, digest, path.as_uri())

    def exists(self, digest: str) -> bool:
        """See `ArtifactStore.exists`."""
        return is_digest(digest) and self._path(digest).is_file()

    def url(self, digest: str) -> str:
        """See `ArtifactStore.url`."""
        return self._path(digest).as_uri()

    def _path(self, digest: str) -> Path:
        return self.root / key_of(digest, self.root.as_uri())
