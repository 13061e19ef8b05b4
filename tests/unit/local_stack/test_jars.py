"""The pinned jars and their cache."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Self

import pytest

from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.jars import Jar, cache_dir, fetch_jars, read_lock

CONTENT = b"a jar"
JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """Stands for the resolver: gives one file for every coordinate."""

    def __init__(self, content: bytes | None, repo_cache: Path) -> None:
        self._content, self._folder = content, repo_cache

    def project(self, group: str, artifact: str) -> Self:
        return self

    def at_version(self, version: str) -> Self:
        return self

    def artifact(self) -> Self:
        return self

    def resolve(self) -> Path:
        if self._content is None:
            raise ConnectionError("unreachable")
        path = self._folder / "download.jar"
        path.write_bytes(self._content)
        return path


def silent(_: str) -> None:
    """Drop progress."""


def offer(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    maven = ModuleType("jgo.maven")
    vars(maven)["MavenContext"] = lambda repo_cache, remote_repos: Repository(content, repo_cache)
    monkeypatch.setitem(sys.modules, "jgo.maven", maven)


def test_the_lock_pins_every_jar() -> None:
    """Each line has coordinates and a digest, and no jar stands there twice."""
    jars = read_lock()

    assert {jar.artifact for jar in jars} >= {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl"}
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars)
    assert len({jar.filename for jar in jars}) == len(jars)


def test_all_parts_of_kafka_have_one_version() -> None:
    """Jars of two releases do not work together."""
    assert len({jar.version for jar in read_lock() if jar.group == "org.apache.kafka"}) == 1


def test_a_missing_jar_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is downloaded lies in the cache, and progress is told."""
    offer(monkeypatch, CONTENT)
    told: list[str] = []

    (path,) = fetch_jars(tmp_path, [JAR], told.append)

    assert path.read_bytes() == CONTENT
    assert told[-1] == "downloading Kafka: 1 of 1 files"
    assert [entry.name for entry in tmp_path.iterdir()] == ["jars"]


def test_a_cached_jar_needs_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time the resolver is not even imported."""
    offer(monkeypatch, CONTENT)
    first = fetch_jars(tmp_path, [JAR], silent)
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    told: list[str] = []

    again = fetch_jars(tmp_path, [JAR], told.append)

    assert (again, told) == (first, [])


def test_a_jar_with_another_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed or truncated file never enters the cache."""
    offer(monkeypatch, b"something else")

    with pytest.raises(KafkaUnavailable, match="digest"):
        fetch_jars(tmp_path, [JAR], silent)

    assert list((tmp_path / "jars").iterdir()) == []


def test_offline_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection the message names the ways out."""
    offer(monkeypatch, None)

    with pytest.raises(KafkaUnavailable, match="HOMEOSTAT_BOOTSTRAP_SERVERS"):
        fetch_jars(tmp_path, [JAR], silent)


def test_the_cache_is_per_user_unless_named() -> None:
    """All data directories of a user share the downloads."""
    assert cache_dir({}) == Path.home() / ".cache" / "homeostat"
    assert cache_dir({"XDG_CACHE_HOME": "/x"}) == Path("/x/homeostat")
    assert cache_dir({"HOMEOSTAT_CACHE_DIR": "/y", "XDG_CACHE_HOME": "/x"}) == Path("/y")
