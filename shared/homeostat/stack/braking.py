"""A brake that was pulled without a broker reaches the governor as soon as there is one again."""

import threading
from typing import Final

import structlog

from homeostat.client.brake import pending, publish_pending, release_braked
from homeostat.client.kafka import KafkaLogs
from homeostat.client.logs import Logs
from homeostat.core import HomeostatError
from homeostat.host.settings import HostSettings

log = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 1.0


class PendingBrakes:
    """Looks at the brake file in a thread of its own; until its freezes hold, the file goes on braking.

    Args:
        settings: Where the file and the broker are.
        logs: Instead of a broker, for tests.
    """

    def __init__(self, settings: HostSettings, logs: Logs | None = None) -> None:
        self._path = settings.brake_file
        self._logs: Logs = KafkaLogs(settings, "homeostat-up") if logs is None else logs
        self._published: set[str] = set()
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
            HomeostatError: No broker answers, or it has no topics yet.
        """
        waiting = pending(self._path)
        if not waiting:
            return []
        if not waiting.keys() <= self._published:
            publish_pending(self._path, self._logs)
            self._published |= waiting.keys()
            log.info("freezes_published", scopes=sorted(set(waiting.values())))
        return release_braked(self._path, self._logs)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                for scope in self.look():
                    log.info("brake_file_released", scope=scope)
            except (HomeostatError, OSError, ValueError) as error:  # away, or half a file of somebody's: look again
                log.debug("brake_file_waits", reason=str(error))
