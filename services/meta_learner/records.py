"""How predictions have done, kept apart by who said what came of them, so that it can be taken back with them."""

from dataclasses import dataclass

import numpy as np

from homeostat.stats.portable import FloatArray


@dataclass(slots=True)
class Record:
    """Of k arms, by the word of the same sources.

    Args:
        n: (k,) payoffs seen.
        error: (k,) sums of absolute errors, in payoff units.
        error_beside: (k,) the same for river's regression.
        covered: (k,) how often the 90 % interval held the payoff.
        seconds: (k,) mean training times.
        spread: (k,) sums of squared deviations from them.
    """

    n: FloatArray
    error: FloatArray
    error_beside: FloatArray
    covered: FloatArray
    seconds: FloatArray
    spread: FloatArray

    @classmethod
    def empty(cls, k: int) -> "Record":
        """Return the record of no prediction."""
        return cls(*(np.zeros(k) for _ in range(6)))

    def observe(self, arm: int, error: float, error_beside: float, seconds: float, *, is_covered: bool) -> None:
        """Add one prediction whose payoff has come."""
        self.n[arm] += 1.0
        self.error[arm] += error
        self.error_beside[arm] += error_beside
        self.covered[arm] += is_covered
        deviation = seconds - self.seconds[arm]
        self.seconds[arm] += deviation / self.n[arm]
        self.spread[arm] += deviation * (seconds - self.seconds[arm])

    def add(self, more: "Record") -> None:
        """Add another record of the same arms."""
        total = self.n + more.n
        deviation, least = more.seconds - self.seconds, np.maximum(total, 1.0)
        self.spread += more.spread + deviation * deviation * self.n * more.n / least
        self.seconds += deviation * more.n / least
        self.n = total
        self.error += more.error
        self.error_beside += more.error_beside
        self.covered += more.covered

    def selected(self, rows: list[int]) -> "Record":
        """Return the record of some of the arms, in this order."""
        return Record(*(values[rows] for values in self._columns()))

    def widened(self, k: int) -> "Record":
        """Return the record with further arms behind the present ones."""
        return Record(*(np.concatenate([values, np.zeros(k - len(values))]) for values in self._columns()))

    def _columns(self) -> tuple[FloatArray, ...]:
        return self.n, self.error, self.error_beside, self.covered, self.seconds, self.spread


@dataclass(frozen=True, slots=True)
class Score:
    """How one arm's predictions have done, each made before its payoff was seen; fields as in `Record`."""

    n: int
    error: float
    error_beside: float
    covered: int
    seconds: float
    spread: float

    @classmethod
    def of(cls, record: Record, arm: int) -> "Score":
        """Return what a record says of one arm."""
        error, beside = float(record.error[arm]), float(record.error_beside[arm])
        seconds, spread = float(record.seconds[arm]), float(record.spread[arm])
        return cls(int(record.n[arm]), error, beside, int(record.covered[arm]), seconds, spread)

    def most_seconds(self, z: float) -> float:
        """Upper bound of the next training time; 0 before the first.

        What one expects before the second is a spread of half the mean; the mean itself is not sure either.
        """
        if not self.n:
            return 0.0
        variance = (self.spread + 0.25 * self.seconds * self.seconds) / self.n
        return self.seconds + z * float(np.sqrt(variance * (1.0 + 1.0 / self.n)))
