"""How often something may happen: at most so many times in a window that slides with broker time."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Rate:
    """Times of what was let through, part of a state.

    Args:
        times: Broker times, ms, oldest first; never more than the limit.
    """

    times: list[int] = field(default_factory=list)

    def take(self, now: int, limit: int, window_ms: int) -> bool:
        """Count one more if fewer than the limit lie in the window, and say whether it was counted.

        Args:
            now: Broker time, ms; does not go back.
            limit: >= 1.
            window_ms: > 0.
        """
        self.times = [time for time in self.times if time > now - window_ms][-limit:]
        if len(self.times) >= limit:
            return False
        self.times.append(now)
        return True
