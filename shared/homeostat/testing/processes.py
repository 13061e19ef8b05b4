"""A process that exists in a test only."""


class FakeProcess:
    """Stands for a child process: it ends when the test says so.

    Args:
        pid: Any number.
        ignores_sigterm: Whether only `kill` ends it.
    """

    def __init__(self, pid: int, ignores_sigterm: bool = False) -> None:
        self.pid = pid
        self.exit_status: int | None = None
        self._ignores_sigterm = ignores_sigterm

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        return self.exit_status

    def terminate(self) -> None:
        """End with -15, unless it ignores that."""
        if not self._ignores_sigterm:
            self.exit_status = -15

    def kill(self) -> None:
        """End with -9."""
        self.exit_status = -9
