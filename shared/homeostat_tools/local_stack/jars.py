"""The jars of Kafka: a pinned list, downloaded once per user and checked by digest.

The list `kafka.lock` is written by `python -m homeostat_tools.local_stack.lock`. A start that finds every jar on disk
opens no connection and imports no resolver.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeostat_tools.local_stack.errors import KafkaUnavailable

LOCK: Final = Path(__file__).with_name("kafka.lock")
N_DOWNLOADS: Final = 8
"""At a time. The time goes into round trips: 46 small files."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: Maven coordinates and the SHA-256 (hex) of the file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Name of the file in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def cache_dir(env: Mapping[str, str]) -> Path:
    """Directory of downloads, shared by all data directories: `HOMEOSTAT_CACHE_DIR`, else `~/.cache/homeostat`."""
    if override := env.get("HOMEOSTAT_CACHE_DIR"):
        return Path(override)
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeostat"


def read_lock(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Read the pinned jars, in class path order."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return tuple(Jar(*line.split()) for line in lines if line and not line.startswith("#"))


def fetch_jars(cache: Path, jars: Iterable[Jar], on_progress: Progress) -> tuple[Path, ...]:
    """Make every jar present under `<cache>/jars`; download only what is missing.

    A file in the cache is whole and verified: it is moved there after its digest was checked. Several processes may
    fetch at the same time, and an interrupted fetch goes on where it stopped.

    Args:
        cache: Folder of this user, made if needed.
        jars: The pinned list.
        on_progress: Told how far it is.

    Returns:
        Paths in the order of `jars`.

    Raises:
        KafkaUnavailable: The repository cannot be reached, or a file has another digest than the lock.
    """
    jars = tuple(jars)
    folder = cache / "jars"
    missing = [jar for jar in jars if not (folder / jar.filename).is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix="fetch-", dir=cache))
        try:
            _download(missing, staging, folder, on_progress)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return tuple(folder / jar.filename for jar in jars)


def _download(missing: list[Jar], staging: Path, folder: Path, on_progress: Progress) -> None:
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise KafkaUnavailable(
            "Kafka is not on this machine yet, and the package that downloads it is not installed.",
            "Run `pip install 'homeostat[broker]'`, or set HOMEOSTAT_BOOTSTRAP_SERVERS to a Kafka that runs.",
        ) from error
    repository = MavenContext(repo_cache=staging, remote_repos=_repositories())

    def fetch(jar: Jar) -> None:
        path = repository.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        if (actual := hashlib.sha256(path.read_bytes()).hexdigest()) != jar.sha256:
            raise ValueError(f"{jar.filename} has the digest {actual}, pinned is {jar.sha256}")
        path.replace(folder / jar.filename)

    on_progress(f"downloading Kafka: {len(missing)} files, 45 MB, once")
    with ThreadPoolExecutor(N_DOWNLOADS) as pool:
        running = [pool.submit(fetch, jar) for jar in missing]
        try:
            for n, done in enumerate(as_completed(running), 1):
                done.result()
                on_progress(f"downloading Kafka: {n} of {len(missing)} files")
        except (OSError, RuntimeError, ValueError) as error:  # requests raises subclasses of OSError
            pool.shutdown(cancel_futures=True)
            raise KafkaUnavailable(
                f"Kafka could not be downloaded: {error}",
                "Connect to the internet for the first start (or name a mirror `central` in jgo's configuration file), "
                "or set HOMEOSTAT_BOOTSTRAP_SERVERS to a Kafka that runs.",
            ) from error


def _repositories() -> dict[str, str]:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL

    # a repository named "central" in jgo's configuration file replaces Maven Central: that is how mirrors work
    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


def ensure_jars(on_progress: Progress, lock: Path = LOCK) -> tuple[Path, ...]:
    """Return the class path of the pinned Kafka, downloaded when needed; see `fetch_jars`."""
    return fetch_jars(cache_dir(os.environ), read_lock(lock), on_progress)
