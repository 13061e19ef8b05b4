"""The interface of an artifact store, its addresses and its errors."""

import hashlib
import re
from typing import Final, Protocol

from homeostat.core import Halt, Missing, Reject, Retry

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class ArtifactMissing(Missing, Reject):
    """Nothing is stored under this digest; what refers to it cannot be used.

    The input that named it is refused; once the artifact is back, it can be replayed from quarantine.
    """

    def __init__(self, digest: str, store: str) -> None:
        super().__init__(
            "artifact_missing", f"{store} holds no artifact {digest!r}: put it back, then replay the input"
        )
        self.digest, self.store = digest, store


class ArtifactCorrupted(Halt):
    """The stored bytes do not have the digest they are stored under.

    Operator: check the disk or bucket; delete the object, then put the artifact again from its origin.
    """

    def __init__(self, digest: str, actual: str, url: str) -> None:
        super().__init__(f"artifact {digest} at {url} has sha256 {actual}: delete it there and put it again")
        self.digest, self.actual, self.url = digest, actual, url


class StoreUnavailable(Retry):
    """The store does not answer, or has no room. Nothing was stored."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"artifact store {url}: {why}")
        self.url, self.why = url, why


class ArtifactStore(Protocol):
    """Bytes by their sha256.

    After `put` has returned, the bytes survive a crash of this process and, as far as the medium
    promises it, of the machine. A crash in a `put` leaves nothing under the digest or all of it. Any
    number of processes may put the same bytes at once. Nothing is ever changed in place.
    """

    def put(self, content: bytes) -> str:
        """Store bytes, once, however often they are put.

        Returns:
            Their sha256 in hex: the digest to get them by.

        Raises:
            StoreUnavailable: Try again later.
        """

    def get(self, digest: str) -> bytes:
        """Return the bytes, after checking that they have this digest.

        Raises:
            ArtifactMissing: Not there, or not a digest.
            ArtifactCorrupted: Other bytes are there.
            StoreUnavailable: Try again later.
        """

    def exists(self, digest: str) -> bool:
        """Say whether something is stored under the digest; its content is not checked."""

    def url(self, digest: str) -> str:
        """Where the artifact lies or would lie, for people and for systems that fetch it themselves.

        Raises:
            ArtifactMissing: Not a digest.
        """


def digest_of(content: bytes) -> str:
    """Return the address of bytes: sha256 in hex."""
    return hashlib.sha256(content).hexdigest()


def key_of(digest: str, store: str) -> str:
    """Place of an artifact below the root of a store: `<first two digits>/<digest>`.

    Raises:
        ArtifactMissing: Not a digest, so nothing can be stored under it; never a path out of the store.
    """
    if not is_digest(digest):
        raise ArtifactMissing(digest, store)
    return f"{digest[:2]}/{digest}"


def is_digest(text: str) -> bool:
    """Say whether a text is a sha256 in lower-case hex."""
    return _DIGEST.fullmatch(text) is not None


def checked(content: bytes, digest: str, url: str) -> bytes:
    """Return the content if it has the digest.

    Args:
        content: As it was read.
        digest: SHA-256 in hex that it must have.
        url: Of the store, for the message.

    Raises:
        ArtifactCorrupted: It has not.
    """
    actual = digest_of(content)
    if actual != digest:
        raise ArtifactCorrupted(digest, actual, url)
    return content
