"""A brake that was pulled without a broker reaches the governor as soon as there is one again."""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from homeostat.client.brake import pending, publish_pending, release_braked
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Logs, Place
from homeostat.commands import notary_keys
from homeostat.core import HomeostatError
from homeostat.events.logs import GOVERNANCE, POLICIES
from homeostat.runtime.settings import HostSettings

_LOOK_SECONDS: Final = 1.0


class PendingBrakes:
    """Looks at the brake file in a thread of its own; until its freezes hold, the file goes on braking.

    Args:
        settings: Where the file and the broker are.
        logs: Instead of a broker, for tests.
        on_progress: Told what was done; called from the thread.
    """

    def __init__(
        self,
        settings: HostSettings,
        logs: Logs | None = None,
        *,
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._path, self._settings = settings.brake_file, settings
        self._logs: Logs = KafkaLogs(settings, "homeostat-up") if logs is None else logs
        self._say = on_progress
        self._published: set[str] = set()
        self._seen: Mapping[Place, tuple[int, int]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pending-brakes", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. What waits in the file waits for the next start."""
        self._stopping.set()

    def look(self) -> list[str]:
        """Publish what has not been published, release what the governor has braked.

        Returns:
            The scopes that were released.

        Raises:
            HomeostatError: No broker answers, or it has no topics yet; or the notary's public key is not here.
        """
        waiting = pending(self._path)
        if not waiting:
            return []
        if not waiting.keys() <= self._published:
            publish_pending(self._path, self._logs)
            self._published |= waiting.keys()
            self._say(f"the broker is back: freeze of {', '.join(sorted(set(waiting.values())))} published")
        ranges = self._logs.ranges([GOVERNANCE, *POLICIES])
        if ranges == self._seen:
            return []  # a freeze that was refused waits for a person: the logs are not read again for it
        self._seen = ranges
        keys = notary_keys(self._settings.notary_keys, self._settings.keys_dir)
        return release_braked(self._path, self._logs, keys)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                for scope in self.look():
                    self._say(f"{scope} is frozen by the governor: {self._path} no longer brakes it")
            except (
                HomeostatError,
                OSError,
                ValueError,
            ):  # the broker is away, the file is somebody's: it goes on braking
                continue
