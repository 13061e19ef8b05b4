"""The last values of a stream, in the order they came and in the order of their size."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field


@dataclass(slots=True)
class SortedWindow:
    """The last `length` values of a stream; a value costs a binary search and two moves of memory.

    Attributes:
        length: Most values held, >= 1.
        recent: Values, oldest first.
        ordered: The same values, smallest first.
    """

    length: int
    recent: list[float] = field(default_factory=list)
    ordered: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Take a finite value in; the oldest one leaves when there are too many."""
        self.recent.append(value)
        insort(self.ordered, value)
        if len(self.recent) > self.length:
            oldest = self.recent.pop(0)
            del self.ordered[bisect_left(self.ordered, oldest)]

    def kth_nearest(self, value: float, k: int) -> float:
        """Return the distance from `value` to the k-th nearest value held; 0 while there are fewer than k."""
        ordered = self.ordered
        n = len(ordered)
        if n < k:
            return 0.0
        right = bisect_left(ordered, value)
        left, distance = right - 1, 0.0
        for _ in range(k):
            is_left = left >= 0 and (right >= n or value - ordered[left] < ordered[right] - value)
            if is_left:
                distance = value - ordered[left]
                left -= 1
            else:
                distance = ordered[right] - value
                right += 1
        return distance
