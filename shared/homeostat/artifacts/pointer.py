"""One small object under a name of its own, replaced whole: a file, or an object of a bucket (extra `object-store`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from homeostat.artifacts.objects import ObjectStoreExtraMissing
from homeostat.artifacts.store import StoreUnavailable
from homeostat.artifacts.url import StoreUrlInvalid
from homeostat.durable_file import replace_file

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket


class Pointer(Protocol):
    """Bytes under one name. After a crash in a `write` the old bytes are there, or the new ones."""

    @property
    def url(self) -> str:
        """Where, for people."""

    def read(self) -> bytes | None:
        """Return the bytes; None if nothing was ever written.

        Raises:
            StoreUnavailable: It cannot be said.
        """

    def write(self, content: bytes) -> None:
        """Replace the bytes.

        Raises:
            StoreUnavailable: The old ones are still there.
        """


class FilePointer:
    """A file; its folder is made at the first `write`."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def url(self) -> str:
        """The path."""
        return str(self._path)

    def read(self) -> bytes | None:
        """See `Pointer.read`."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(self.url, str(error)) from error

    def write(self, content: bytes) -> None:
        """See `Pointer.write`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, content)
        except OSError as error:
            raise StoreUnavailable(self.url, str(error)) from error


class ObjectPointer:
    """An object of a bucket.

    Args:
        bucket: obstore's store; its prefix is the object's folder.
        name: Of the object in it.
        url: Of the object.
    """

    def __init__(self, bucket: "Bucket", name: str, url: str) -> None:
        self._bucket, self._name, self.url = bucket, name, url

    def read(self) -> bytes | None:
        """See `Pointer.read`."""
        from obstore.exceptions import BaseError

        try:
            return bytes(self._bucket.get(self._name).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise StoreUnavailable(self.url, str(error)) from error

    def write(self, content: bytes) -> None:
        """See `Pointer.write`."""
        from obstore.exceptions import BaseError

        try:
            self._bucket.put(self._name, content)
        except (BaseError, OSError) as error:
            raise StoreUnavailable(self.url, str(error)) from error


def open_pointer(url: str | Path) -> Pointer:
    """Open what lies at a path or a URL (`file:///…`, `s3://bucket/name` and what else obstore knows).

    Raises:
        StoreUrlInvalid: Not such an address.
        ObjectStoreExtraMissing: The extra `object-store` is needed.
    """
    if isinstance(url, Path) or "://" not in url:
        return FilePointer(Path(url))
    parts = urlsplit(url)
    folder, _, name = url.rpartition("/")
    if not parts.path.strip("/") or not name:
        raise StoreUrlInvalid(url, "it names no object")
    if parts.scheme == "file":
        return FilePointer(Path(unquote(parts.path)))
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ModuleNotFoundError:
        raise ObjectStoreExtraMissing(url) from None
    try:
        return ObjectPointer(from_url(folder), name, url)
    except (BaseError, ValueError) as error:
        raise StoreUrlInvalid(url, str(error)) from error
