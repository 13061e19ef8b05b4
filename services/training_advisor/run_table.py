"""What was run on which task, and how it ended."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import EpisodeRecorded

Floats = NDArray[np.float64]

_MAX_TASKS: Final = 512
_MAX_CONFIGURATIONS: Final = 1024
_MAX_META_FEATURES: Final = 256
_N_NAMED: Final = 64
_SEPARATOR: Final = "\n"
"""Between task and source in a key; the name of a task holds no line break."""
_LEAST_RANGE: Final = 1e-50
"""Results of a task that differ less are equal."""


@dataclass(slots=True)
class TaskRuns:
    """The runs of one task that one source told of; all arrays are by index of the configuration.

    Args:
        total: Sum of the results of the runs on most rows.
        n: How many those are; 0 where never run.
        rows: Rows they were trained on.
        meta_features: Of the task by index of the name, as told last; NaN where missing.
    """

    total: Floats
    n: Floats
    rows: Floats
    meta_features: Floats

    def update(self, index: int, result: float, rows: int) -> None:
        """Take note of a run: more rows replace what fewer gave, as many are averaged.

        Args:
            index: Of the configuration.
            result: Of the metric.
            rows: That it was trained on.
        """
        if index >= len(self.n):
            more = np.zeros(max(index + 1, 2 * len(self.n)) - len(self.n))
            self.total, self.n, self.rows = (np.concatenate([a, more]) for a in (self.total, self.n, self.rows))
        if not self.n[index] or rows > self.rows[index]:
            self.total[index], self.n[index], self.rows[index] = result, 1.0, rows
        elif rows == self.rows[index]:
            self.total[index] += result
            self.n[index] += 1.0

    def results(self, indices: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return sums and numbers of the results of configurations; index -1 and what was never run give 0 and 0."""
        known = (indices >= 0) & (indices < len(self.n))
        place = np.where(known, indices, 0)
        return np.where(known, self.total[place], 0.0), np.where(known, self.n[place], 0.0)


@dataclass(slots=True)
class RunTable:
    """The runs of the last 512 tasks, with 1,024 configurations and 256 meta-features at most; later names are ignored.

    Args:
        configurations: Index by name.
        names: Index by name of meta-feature.
        runs: By task and source, the oldest task first.
    """

    configurations: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    runs: dict[str, TaskRuns] = field(default_factory=dict)

    def update(self, episode: EpisodeRecorded) -> None:
        """Take note of an episode with task and configuration."""
        if episode.configuration is None:
            return
        index = _index(self.configurations, episode.configuration, _MAX_CONFIGURATIONS)
        if index < 0:
            return
        source = episode.provenance.source if episode.provenance is not None else ""
        key = f"{episode.task}{_SEPARATOR}{source}"
        runs = self.runs.get(key)
        if runs is None:
            if len(self.runs) == _MAX_TASKS:
                self._evict()
            n = max(8, len(self.configurations))
            runs = self.runs[key] = TaskRuns(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(0))
        runs.update(index, episode.result, episode.rows)
        if episode.meta_features:
            for name in episode.meta_features:
                _index(self.names, name, _MAX_META_FEATURES)
            runs.meta_features = self.described(episode.meta_features)

    def forget(self, source: str) -> None:
        """Drop the runs that a source told of: what is left is what it would be had the source been silent."""
        for key in [key for key in self.runs if key.partition(_SEPARATOR)[2] == source]:
            del self.runs[key]
        self._compact()

    def _evict(self) -> None:
        """Drop the oldest task of the source that has told of most: it cannot push the others out.

        The sources that came first count as one each, all further ones together: many names push nobody out either.
        """
        sources = {key: key.partition(_SEPARATOR)[2] for key in self.runs}
        first = set(list(dict.fromkeys(sources.values()))[:_N_NAMED])
        n_tasks = Counter(source if source in first else _SEPARATOR for source in sources.values())
        largest = max(sorted(n_tasks), key=lambda source: n_tasks[source])
        is_of = {largest} if largest != _SEPARATOR else set(sources.values()) - first
        del self.runs[next(key for key, source in sources.items() if source in is_of)]

    def _compact(self) -> None:
        """Free the places of the names that no run has."""
        used = sorted({i for runs in self.runs.values() for i in np.flatnonzero(runs.n).tolist()})
        told = sorted(
            {i for runs in self.runs.values() for i in np.flatnonzero(np.isfinite(runs.meta_features)).tolist()}
        )
        self.configurations = _kept(self.configurations, used)
        self.names = _kept(self.names, told)
        for runs in self.runs.values():
            runs.total, runs.n, runs.rows = (_at(line, used, 0.0) for line in (runs.total, runs.n, runs.rows))
            runs.meta_features = _at(runs.meta_features, told, np.nan)

    def described(self, meta_features: dict[str, float]) -> Floats:
        """Return meta-features by index of their name; NaN where missing."""
        line = np.full(len(self.names), np.nan)
        for name, value in meta_features.items():
            if (index := self.names.get(name)) is not None:
                line[index] = value
        return line

    def table(self, task: str, configurations: list[str]) -> tuple[Floats, Floats, Floats]:
        """Return what is known of configurations, those of all sources together.

        Args:
            task: The one in question.
            configurations: c names.

        Returns:
            Results of the other tasks (n, c), their meta-features (n, d), and the results of the task itself (c,);
            NaN where never run. Tasks with less than two different results are left out.
        """
        indices = np.array([self.configurations.get(name, -1) for name in configurations], np.intp)
        totals: dict[str, tuple[Floats, Floats]] = {}
        described: dict[str, Floats] = {}
        for key, runs in self.runs.items():
            name = key.partition(_SEPARATOR)[0]
            total, n = runs.results(indices)
            before = totals.get(name)
            totals[name] = (total, n) if before is None else (before[0] + total, before[1] + n)
            if name not in described or len(runs.meta_features):
                described[name] = runs.meta_features
        blank = np.full(len(indices), np.nan)
        own = _means(*totals.pop(task)) if task in totals else blank
        means = {name: _means(*sums) for name, sums in totals.items()}
        kept = [name for name, line in means.items() if np.fmax.reduce(line) - np.fmin.reduce(line) > _LEAST_RANGE]
        features = np.full((len(kept), len(self.names)), np.nan)
        for row, name in enumerate(kept):
            features[row, : len(described[name])] = described[name]
        return np.array([means[name] for name in kept]).reshape(len(kept), len(indices)), features, own


def _means(total: Floats, n: Floats) -> Floats:
    return np.where(n > 0.0, total / np.maximum(n, 1.0), np.nan)


def _kept(table: dict[str, int], indices: list[int]) -> dict[str, int]:
    """Number the names at these indices anew, in their order."""
    names = {index: name for name, index in table.items()}
    return {names[index]: place for place, index in enumerate(indices)}


def _at(line: Floats, indices: list[int], missing: float) -> Floats:
    """Return the values at indices, of which the line may be too short to have all."""
    return np.array([line[index] if index < len(line) else missing for index in indices], np.float64)


def _index(table: dict[str, int], name: str, most: int) -> int:
    """Return the index of a name, a new one if need be; -1 if the table is full."""
    index = table.get(name)
    if index is None:
        if len(table) == most:
            return -1
        index = table[name] = len(table)
    return index
