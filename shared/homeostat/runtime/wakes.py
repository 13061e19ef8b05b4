"""When time alone must wake a unit of state."""

from heapq import heappop, heappush


class WakeQueue:
    """The times that units wait for; each is due once, whoever else is."""

    def __init__(self) -> None:
        self._wakes: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def set(self, unit: str, wake: int | None) -> None:
        """Let a unit wait for a time in ms, instead of any other, or for none."""
        if wake is None:
            if self._wakes:
                self._wakes.pop(unit, None)
        elif self._wakes.get(unit) != wake:
            self._wakes[unit] = wake
            heappush(self._heap, (wake, unit))

    def due(self, now: int) -> list[tuple[str, int]]:
        """Units whose time has come, with the time they waited for."""
        ready = []
        while self._heap and self._heap[0][0] <= now:
            wake, unit = heappop(self._heap)
            if self._wakes.get(unit) == wake:
                ready.append((unit, wake))
        return ready

    @property
    def next(self) -> int | None:
        """Earliest time at which `due` may have something, ms."""
        return self._heap[0][0] if self._heap else None
