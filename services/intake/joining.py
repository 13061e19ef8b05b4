"""Late labels find every version that answered their request, within a time and a bound of memory."""

from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from homeostat.events import Answer, Labels, Samples
from homeostat.events.columns import F8, Role, f8
from homeostat.services.intake.blocks import Blocks
from homeostat.services.intake.hashing import Hashes, hashes_of, is_kept
from homeostat.services.intake.rows import Found, Rows

_TIME, _PREDICTION, _SCORE, _LABEL = range(4)
_CHAMPION = "champion/"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a model is remembered.

    Args:
        window_ms: Requests and labels older than this are forgotten, by broker time.
        memory_bytes: Of what is older than a block; answers have three quarters of it, labels one.
        block_rows: Rows of a block.
        versions: Answers of one event of labels: the versions that answered last.
    """

    window_ms: int
    memory_bytes: int
    block_rows: int
    versions: int


@dataclass(slots=True)
class Join:
    """What the versions of a model said, and which labels came.

    Args:
        answered: Time, prediction, score and inline label of the champion, by request and `role/version`.
        labelled: Labels, by request.
        blocks: Of both.
    """

    answered: Rows = field(default_factory=lambda: Rows("answer", 4))
    labelled: Rows = field(default_factory=lambda: Rows("label", 1))
    blocks: Blocks = field(default_factory=Blocks)

    def remember(self, samples: Samples, now: int, bounds: Bounds) -> None:
        """Keep what a version said, and the inline labels if it is the champion.

        Args:
            samples: Rows of one version.
            now: Broker time, ms.
            bounds: Window and memory of the model.
        """
        n = len(samples.request)
        rows = np.full((4, n), np.nan)
        rows[:_LABEL] = np.frombuffer(samples.time + samples.prediction + samples.score, F8).reshape(3, n)
        if samples.label and samples.role == "champion":
            rows[_LABEL] = f8(samples.label)
        self.answered.add(samples.request, rows, f"{samples.role}/{samples.version}", now)
        self._settle(self.answered, now, bounds, bounds.memory_bytes * 3 // 4)

    def match(self, labels: Labels, now: int, bounds: Bounds) -> "Match":
        """Find the requests of labels; changes nothing.

        Args:
            labels: Without answers of their own.
            now: Broker time, ms.
            bounds: Window and memory of the model.
        """
        hashes, low = hashes_of(labels.request), now - bounds.window_ms
        found = self.answered.find(hashes, self.blocks, low)
        is_answered = np.zeros(len(hashes), np.bool_)
        is_answered[found.asked] = True
        known = self._known(hashes, found, low)
        sampled = is_kept(hashes, self.answered.coarsest)
        match = Match(found)
        _sort_out(match, labels, hashes, known, is_answered.tolist(), sampled.tolist())
        return match

    def fresh(self, labels: Labels, now: int, bounds: Bounds) -> "Match":
        """Leave out the labels that are known already, of those that bring their own answers; changes nothing.

        Args:
            labels: With the answers they are about.
            now: Broker time, ms.
            bounds: Window and memory of the model.
        """
        hashes, low = hashes_of(labels.request), now - bounds.window_ms
        known = self._known(hashes, self.answered.find(hashes[:0], self.blocks, low), low)
        match = Match()
        everybody = [True] * len(hashes)
        _sort_out(match, labels, hashes, known, everybody, everybody)
        return match

    def _known(self, hashes: Hashes, found: Found, low: int) -> NDArray[np.float64]:
        """The label that each request has, NaN for none: the last late one, or the champion's inline one."""
        known = np.full(len(hashes), np.nan)
        champions = np.array([name.startswith(_CHAMPION) for name in found.names], np.bool_)
        if len(found.asked):
            inline = champions[found.who] & ~np.isnan(found.columns[_LABEL])
            known[found.asked[inline]] = found.columns[_LABEL, inline]
        late = self.labelled.find(hashes, self.blocks, low)
        known[late.asked] = late.columns[0]
        return known

    def take(self, labels: Labels, match: "Match", now: int, bounds: Bounds) -> None:
        """Note labels as known.

        Args:
            labels: As they came.
            match: What `match` or `fresh` found for them.
            now: Broker time, ms.
            bounds: Window and memory of the model.
        """
        requests = [labels.request[row] for row in match.rows]
        self.labelled.add(requests, f8(labels.label)[match.rows].reshape(1, -1), "", now)
        self._settle(self.labelled, now, bounds, bounds.memory_bytes // 4)

    def _settle(self, rows: Rows, now: int, bounds: Bounds, memory_bytes: int) -> None:
        rows.settle(
            self.blocks, now, window_ms=bounds.window_ms, memory_bytes=memory_bytes, block_rows=bounds.block_rows
        )


@dataclass(slots=True)
class Match:
    """What becomes of the rows of a `Labels`.

    Args:
        found: What was said to their requests.
        rows: Those that go on.
        unmatched: Those without a request.
        n_unsampled: Those whose request was not kept, for want of memory.
        n_repeated: Those whose request has the same label already.
    """

    found: Found | None = None
    rows: list[int] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    n_unsampled: int = 0
    n_repeated: int = 0

    def answers(self, labels: Labels, versions: int) -> tuple[list[Answer], bytes]:
        """Lay out what was said to the requests of the rows that go on.

        Returns:
            Answers per version, sorted by role and version, of those that answered last if there are too many; lag in
            seconds since the champion's answer, or since the first one's where no champion answered.
        """
        assert self.found is not None
        found, n = self.found, len(self.rows)
        place = np.full(labels.n_rows, -1)
        place[self.rows] = np.arange(n)
        is_wanted = place[found.asked] >= 0
        at, columns, who = place[found.asked][is_wanted], found.columns[:, is_wanted], found.who[is_wanted]
        first, first_champion = np.full((2, n), np.nan)
        latest = {index: int(np.flatnonzero(who == index)[-1]) for index in np.unique(who).tolist()}
        kept = sorted(latest, key=lambda index: -latest[index])[:versions]
        answers = []
        for index in sorted(kept, key=lambda index: found.names[index]):
            mine, said = who == index, np.full((3, n), np.nan)
            said[:, at[mine]] = columns[:_LABEL, mine]
            role, _, version = found.names[index].partition("/")
            answers.append(Answer(version, cast(Role, role), said[_PREDICTION].tobytes(), said[_SCORE].tobytes()))
            first = np.fmin(first, said[_TIME])
            if role == "champion":
                first_champion = np.fmin(first_champion, said[_TIME])
        lag = f8(labels.time)[self.rows] - np.where(np.isnan(first_champion), first, first_champion)
        return answers, lag.tobytes()


def _sort_out(
    match: Match,
    labels: Labels,
    hashes: Hashes,
    known: NDArray[np.float64],
    is_answered: list[bool],
    is_sampled: list[bool],
) -> None:
    """Say of each label whether it goes on; the same request may be there twice."""
    fresh: dict[int, float] = {}
    rows = zip(hashes.tolist(), f8(labels.label).tolist(), known.tolist(), is_answered, is_sampled, strict=True)
    for row, (request, label, before, answered, sampled) in enumerate(rows):
        if not answered:
            if sampled:
                match.unmatched.append(row)
            else:
                match.n_unsampled += 1
        elif fresh.get(request, before) == label:
            match.n_repeated += 1
        else:
            fresh[request] = label
            match.rows.append(row)
