"""A Redis of its own for tests: a child process on a free port, gone with the test."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from homeostat_tools.local_stack.ports import LOOPBACK, pick_port

BINARY: Final = "redis-server"
_START_SECONDS: Final = 10.0
_PROBE_SECONDS: Final = 0.01


def is_installed() -> bool:
    """Whether there is a `redis-server` in the path (Debian: the package of that name)."""
    return shutil.which(BINARY) is not None


class RedisServer:
    """A server that keeps nothing over a restart.

    Args:
        folder: Its working directory.
        password: Asked of clients, if any.
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder, self._password = folder, password
        self._port = pick_port(())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address, the same after a restart."""
        user = f":{self._password}@" if self._password else ""
        return f"redis://{user}{LOOPBACK}:{self._port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [BINARY, "--port", str(self._port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
        if self._password:
            command += ["--requirepass", self._password]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        """End it; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait(self) -> None:
        from redis import Redis, RedisError

        deadline = time.monotonic() + _START_SECONDS
        with Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except RedisError:
                    assert self._process is not None
                    assert self._process.poll() is None, "redis-server has ended, see redis.log"
                    assert time.monotonic() < deadline, "redis-server does not answer"
                    time.sleep(_PROBE_SECONDS)
                else:
                    return


@contextmanager
def running_redis(folder: Path, password: str = "") -> Iterator[RedisServer]:
    """Start a server, and end it."""
    server = RedisServer(folder, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
