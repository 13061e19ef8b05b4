"""Request ids as 64 bits: the same on every machine, many at a time.

Two of ten million ids are taken for each other with a probability of 3 in a million. Who writes ids on purpose so that
they collide mixes up labels of the own model, and of no other.

Source: the mixing function is splitmix64's (Steele, Lea and Flood 2014), chained over words of eight bytes.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_FEW: Final = 16
"""Below it numpy's calls cost more than plain integers."""

_MASK: Final = (1 << 64) - 1
_START: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB


def hashes_of(requests: Sequence[str]) -> Hashes:
    """Hash ids.

    Args:
        requests: n texts.

    Returns:
        n uint64.
    """
    if len(requests) <= _FEW:
        return np.array([_one(request.encode(errors="surrogatepass")) for request in requests], np.uint64)
    sizes = np.fromiter(map(len, requests), np.uint64, len(requests))
    width = 8 * max(1, -(-int(sizes.max()) // 8))
    text = "".join([request.ljust(width, "\0") for request in requests])
    if not text.isascii():
        raw = [request.encode(errors="surrogatepass") for request in requests]
        sizes = np.fromiter(map(len, raw), np.uint64, len(raw))
        width = 8 * max(1, -(-int(sizes.max()) // 8))
        words = np.array(raw, f"S{width}").view("<u8").reshape(len(raw), -1)
    else:  # a seventh of the time
        words = np.frombuffer(text.encode(), "<u8").reshape(len(requests), -1)
    found = _mixed(sizes + np.uint64(_START))
    for word in range(words.shape[1]):
        found = np.where(sizes > 8 * word, _mixed(found ^ words[:, word]), found)
    return found


def _mixed(x: Hashes) -> Hashes:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_FIRST)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_SECOND)
    return x ^ (x >> np.uint64(31))


def _one(raw: bytes) -> int:
    """The same for one id."""
    x = _mix((len(raw) + _START) & _MASK)
    for start in range(0, len(raw), 8):
        x = _mix(x ^ int.from_bytes(raw[start : start + 8], "little"))
    return x


def _mix(x: int) -> int:
    x = (x ^ (x >> 30)) * _FIRST & _MASK
    x = (x ^ (x >> 27)) * _SECOND & _MASK
    return x ^ (x >> 31)


def is_kept(hashes: Hashes, level: int) -> NDArray[np.bool_]:
    """Whether ids belong to the sample of a level: all at 0, half of those of the level before at each further one."""
    return (hashes >> np.uint64(64 - level)) == 0 if level else np.ones(len(hashes), np.bool_)
