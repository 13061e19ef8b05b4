"""Artifacts in a folder of a file system."""

import os
import tempfile
from pathlib import Path

from homeostat.artifacts.store import ArtifactMissing, StoreUnavailable, checked, digest_of, is_digest, key_of


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
            write_whole(path, content)
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


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place whole: after a crash it holds the old bytes or the new ones.

    Raises:
        OSError: Nothing was changed.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp's 0600 would hide it from a model server's user
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, survives a power cut
    finally:
        os.close(folder)
