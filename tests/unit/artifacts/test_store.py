"""Every artifact store keeps what it is given, whole, under its hash."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.artifacts import (
    ArtifactCorrupted,
    ArtifactMissing,
    ArtifactStore,
    FolderStore,
    ObjectStoreExtraMissing,
    StoreUnavailable,
    StoreUrlInvalid,
    digest_of,
    open_store,
)

NOTHING = "0" * 64


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """One store of each kind, empty."""
    addresses: dict[str, str | Path] = {"folder": tmp_path, "file": tmp_path.as_uri(), "memory": "memory:///"}
    return open_store(addresses[request.param])


def test_what_is_put_is_got(store: ArtifactStore) -> None:
    """A digest leads back to the bytes, the empty ones too."""
    for content in (b"", b"weights", bytes(100_000)):
        digest = store.put(content)

        assert digest == digest_of(content)
        assert store.exists(digest)
        assert store.get(digest) == content


def test_putting_twice_is_putting_once(store: ArtifactStore) -> None:
    """The same bytes have the same digest, and nothing is refused."""
    assert store.put(b"weights") == store.put(b"weights")


def test_a_missing_artifact_is_refused_by_reason(store: ArtifactStore) -> None:
    """Who named it is told what is missing and where."""
    with pytest.raises(ArtifactMissing, match=NOTHING) as refused:
        store.get(NOTHING)

    assert refused.value.reason == "artifact_missing"
    assert not store.exists(NOTHING)


@pytest.mark.parametrize("digest", ["", "ab", "../../etc/passwd", "A" * 64, "0" * 63 + "/", NOTHING + "\n"])
def test_what_is_no_digest_is_missing(store: ArtifactStore, digest: str) -> None:
    """No text leads out of the store."""
    assert not store.exists(digest)
    with pytest.raises(ArtifactMissing):
        store.get(digest)
    with pytest.raises(ArtifactMissing):
        store.url(digest)


def test_the_url_ends_in_the_digest(store: ArtifactStore) -> None:
    """Sharded by the first two digits."""
    digest = store.put(b"weights")

    assert store.url(digest).endswith(f"/{digest[:2]}/{digest}")


@given(st.binary(min_size=1), st.data())
def test_a_flipped_bit_is_found_and_healed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    """Damaged bytes are never returned, and the next put repairs them."""
    store = FolderStore(tmp_path_factory.mktemp("artifacts"))
    digest = store.put(content)
    place = data.draw(st.integers(0, len(content) - 1))
    damaged = bytearray(content)
    damaged[place] ^= 1
    (store.root / digest[:2] / digest).write_bytes(damaged)

    with pytest.raises(ArtifactCorrupted, match=digest):
        store.get(digest)

    store.put(content)
    assert store.get(digest) == content


def test_nothing_but_artifacts_stays_in_the_folder(tmp_path: Path) -> None:
    """Temporary files are renamed away."""
    store = FolderStore(tmp_path / "new")
    digest = store.put(b"weights")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


def test_a_crash_in_the_middle_of_a_put_leaves_nothing_under_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails before the rename is as if it had never begun."""
    store = FolderStore(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(StoreUnavailable, match="No space left"):
            store.put(b"weights")

    assert not store.exists(digest_of(b"weights"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("url", ["file://host/folder", "nonsense://x", "s3:///"])
def test_an_address_that_names_no_store_says_what_would(url: str) -> None:
    """A typo stops the start, with an example."""
    with pytest.raises(StoreUrlInvalid, match="s3://bucket"):
        open_store(url)


def test_a_bucket_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the command."""
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)

    with pytest.raises(ObjectStoreExtraMissing, match=r"homeostat\[object-store\]"):
        open_store("s3://bucket/prefix")


def test_a_path_with_spaces_survives_the_file_url(tmp_path: Path) -> None:
    """Percent encoding is undone."""
    folder = tmp_path / "my artifacts"

    store = open_store(folder.as_uri())

    assert isinstance(store, FolderStore)
    assert store.root == folder
