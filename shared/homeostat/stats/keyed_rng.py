"""Random numbers that are a function of a name."""

import hashlib

import numpy as np

from homeostat.stats.portable import FloatArray, normal_quantile


class Draws:
    """Sequence of random numbers derived from a key, the same on every machine and for ever.

    The key names the decision (source, id, ordinal), so a replay draws the same numbers. An instance remembers how many
    numbers it gave: drawing n and then m is drawing n + m. It is made where it is used and never kept in a state.

    Source: Philox 4x64-10 (Salmon et al. 2011), keyed by the first 16 bytes of sha256(key), little-endian.

    Args:
        key: Any text; different texts give independent sequences.
    """

    __slots__ = ("_bits",)

    def __init__(self, key: str) -> None:
        digest = hashlib.sha256(key.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def uniform(self, n: int) -> FloatArray:
        """Return n numbers from the 2^52 midpoints of (0, 1); never 0 or 1. Each uses up one 64-bit word."""
        # 52 bits, not 53: with half a unit added they still fit a double, so 1.0 cannot come out of rounding.
        words = self._bits.random_raw(n) >> np.uint64(12)
        return (words.astype(np.float64) + 0.5) * 2.0**-52

    def normal(self, n: int) -> FloatArray:
        """Return n standard normal numbers, made of the next n uniform ones by inversion."""
        return normal_quantile(self.uniform(n))
