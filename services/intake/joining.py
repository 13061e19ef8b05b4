"""Late labels find every version that answered their request, in a bounded window of requests."""

from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Answer, Labels, Samples
from homeostat.events.columns import F8, Role, f8
from intake.settings import Settings

_FIRST_CAPACITY: Final = 64
_TIME, _PREDICTION, _SCORE = range(3)


@dataclass(slots=True)
class Version:
    """Answers of one version in one role, by slot.

    Args:
        last: Highest request number it answered.
        numbers: Number of the request whose answer lies in the slot, -1 for none; (capacity,).
        columns: Time, prediction, score; (3, capacity).
    """

    last: int = -1
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    columns: NDArray[np.float64] = field(default_factory=lambda: np.empty((3, 0)))


@dataclass(slots=True)
class Answers:
    """The last requests of a model and what was said to them.

    Requests are numbered in the order of their first answer; request i lies in slot i modulo the
    window. Two generations of the index mean that nothing is deleted one by one; buffers grow as far
    as the window, so that quiet models stay small.

    Args:
        n: Requests so far.
        rotated: `n` when `old` was closed.
        young: Number of each request, since then.
        old: The same, before.
        labels: Joined label by slot, NaN for none.
        versions: By `role/version`.
    """

    n: int = 0
    rotated: int = 0
    young: dict[str, int] = field(default_factory=dict)
    old: dict[str, int] = field(default_factory=dict)
    labels: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    versions: dict[str, Version] = field(default_factory=dict)

    def remember(self, samples: Samples, settings: Settings) -> None:
        """Keep what a version said, and the inline labels if it is the champion."""
        window, first, n_rows = settings.join_requests, self.n, len(samples.request)
        numbers = self._number(samples.request, window)
        self._clear(first, self.n - first, window)
        version = self._version(f"{samples.role}/{samples.version}", settings)
        rows = np.frombuffer(samples.time + samples.prediction + samples.score, F8).reshape(3, n_rows)
        labels = f8(samples.label) if samples.label and samples.role == "champion" else None
        begin, end = numbers[0], numbers[0] + n_rows
        start, top = begin % window, begin % window + n_rows
        at: slice | NDArray[np.int64]
        stamps: NDArray[np.int64] | np.int64
        if top <= window and begin >= self.n - window and numbers == list(range(begin, end)):
            # the usual case: one run of slots
            at, stamps = slice(start, top), np.arange(begin, end) if n_rows > 1 else np.int64(begin)
        else:
            stamps = np.array(numbers)
            kept = stamps >= self.n - window  # an event may be longer than the window, or push out its own rows
            stamps, rows = stamps[kept], rows[:, kept]
            labels = labels if labels is None else labels[kept]
            at = stamps % window
            top = int(at.max()) + 1
        _fit(version, top, window)
        version.numbers[at] = stamps
        version.columns[:, at] = rows
        version.last = max(version.last, max(numbers))
        if labels is not None:
            self.labels[at] = np.where(np.isnan(labels), self.labels[at], labels)

    def match(self, labels: Labels, window: int) -> "Match":
        """Find the requests of labels; changes nothing."""
        low, joined = self.n - window, self.labels
        fresh: dict[int, float] = {}
        found = Match()
        for row, (request, label) in enumerate(zip(labels.request, f8(labels.label).tolist(), strict=True)):
            number = self.young.get(request)
            if number is None:
                number = self.old.get(request, -1)
            if number < 0 or number < low:
                found.unmatched.append(row)
            elif (fresh[number] if number in fresh else joined.item(number % window)) == label:
                found.n_repeated += 1
            else:
                fresh[number] = label
                found.rows.append(row)
                found.numbers.append(number)
        return found

    def join(self, labels: Labels, match: "Match", window: int) -> tuple[list[Answer], bytes]:
        """Take the matched labels as joined.

        Returns:
            Answers per version, sorted by role and version; lag in seconds since the champion's answer,
            or since the first one's where no champion answered, NaN where the answers were forgotten.
        """
        numbers = np.array(match.numbers)
        first, first_champion = np.full((2, len(numbers)), np.nan)
        answers = []
        for key, version in sorted(self.versions.items()):
            slots = np.minimum(numbers % window, len(version.numbers) - 1)
            answered = version.numbers[slots] == numbers
            if not answered.any():
                continue
            time, prediction, score = np.where(answered, version.columns[:, slots], np.nan)
            role, _, name = key.partition("/")
            answers.append(Answer(name, cast(Role, role), prediction.tobytes(), score.tobytes()))
            first = np.fmin(first, time)
            if role == "champion":
                first_champion = np.fmin(first_champion, time)
        self.labels[numbers % window] = f8(labels.label)[match.rows]
        lag = f8(labels.time)[match.rows] - np.where(np.isnan(first_champion), first, first_champion)
        return answers, lag.tobytes()

    def _number(self, requests: list[str], window: int) -> list[int]:
        """Number requests, new ones from `n` on."""
        if self.n - self.rotated >= window:
            self._rotate(window)
        young, old, n, low = self.young, self.old, self.n, self.n - window
        numbers = []
        for request in requests:
            number = young.get(request)
            if number is None:
                number = old.get(request, -1)
            if number < 0 or number < low:
                number = young[request] = n
                n += 1
            numbers.append(number)
        self.n = n
        return numbers

    def _rotate(self, window: int) -> None:
        self.old, self.young, self.rotated = self.young, {}, self.n
        self.versions = {key: version for key, version in self.versions.items() if version.last >= self.n - window}

    def _clear(self, first: int, n_new: int, window: int) -> None:
        """Forget the labels of the requests whose slots are taken."""
        stop = first % window + n_new
        if stop > len(self.labels) and len(self.labels) < window:
            grown = np.full(_capacity(stop, window), np.nan)
            grown[: len(self.labels)] = self.labels
            self.labels = grown
        self.labels[first % window : stop] = np.nan
        if stop > window:
            self.labels[: stop - window] = np.nan

    def _version(self, key: str, settings: Settings) -> Version:
        version = self.versions.get(key)
        if version is None:
            if len(self.versions) >= settings.join_versions:
                del self.versions[min(self.versions, key=lambda key: (self.versions[key].last, key))]
            version = self.versions[key] = Version()
        return version


@dataclass(slots=True)
class Match:
    """Which rows of a `Labels` have a request.

    Args:
        rows: Those that go on.
        numbers: Their requests.
        unmatched: Those without a request in the window.
        n_repeated: Those whose request has the same label already.
    """

    rows: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    n_repeated: int = 0


def _capacity(needed: int, window: int) -> int:
    return min(window, max(_FIRST_CAPACITY, 1 << (needed - 1).bit_length()))


def _fit(version: Version, needed: int, window: int) -> None:
    """Make room for slots below `needed`."""
    size = len(version.numbers)
    if needed <= size:
        return
    numbers, columns = np.full(_capacity(needed, window), -1), np.zeros((3, _capacity(needed, window)))
    numbers[:size], columns[:, :size] = version.numbers, version.columns
    version.numbers, version.columns = numbers, columns
