"""Tables of results: data sets by configurations, with descriptors of both."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from homeostat.events import AdviceRequested, EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.stats.portable import FloatArray
from homeostat_lab.evaluation import tables

_RESULT: Final = "accuracy"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Results of configurations on data sets.

    Args:
        data_sets: n names.
        options: c configurations.
        results: (n, c), NaN where there is none.
        meta_features: By data set; missing ones are left out.
        left_out: Names of the data sets without two different results: nothing can be chosen there.
    """

    data_sets: list[str]
    options: tuple[Option, ...]
    results: FloatArray
    meta_features: list[dict[str, float]]
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What a reader must know of what is not there."""
        what = "without two different results are left out"
        return [f"{len(self.left_out)} data sets {what}: {', '.join(self.left_out)}"] if self.left_out else []

    def episode(self, data_set: int, option: int) -> EpisodeRecorded:
        """Return the run of an option on a data set; it has a result."""
        return EpisodeRecorded(
            episode=f"{self.data_sets[data_set]}-{option}",
            task=self.data_sets[data_set],
            configuration=self.options[option].configuration,
            hyperparameters=self.options[option].hyperparameters,
            meta_features=self.meta_features[data_set],
            result=float(self.results[data_set, option]),
            seconds=0.0,
        )

    def episodes(self, data_sets: Iterable[int]) -> Iterable[EpisodeRecorded]:
        """Return all runs on data sets."""
        for i in data_sets:
            for j in np.flatnonzero(np.isfinite(self.results[i])).tolist():
                yield self.episode(i, j)

    def question(self, data_set: int, *, shadows: bool) -> AdviceRequested:
        """Ask what to run next on a data set, of what there is a result of."""
        there = np.isfinite(self.results[data_set])
        return AdviceRequested(
            task=self.data_sets[data_set],
            question="configuration",
            meta_features=self.meta_features[data_set],
            options=tuple(option for option, is_there in zip(self.options, there, strict=True) if is_there),
            shadows=shadows,
        )

    @property
    def places(self) -> dict[str, int]:
        """Index by name of configuration."""
        return {option.configuration: i for i, option in enumerate(self.options)}


def read_runs(folder: Path) -> Grid:
    """Read a folder of runs, one a line: data set, accuracy, hyperparameters; and meta-features.

    Files: `*runs*.csv` and `metafeatures*.csv`, also compressed, one or several. Data sets without two
    different results are left out.

    Raises:
        FileNotFoundError: A file is missing; says which pattern.
    """
    options: dict[tuple[str, ...], Option] = {}
    values: dict[str, dict[str, float]] = {}
    for path in tables.found(folder, "*runs*.csv"):
        header, *lines = tables.rows(path)
        result = header.index(_RESULT)
        names = [name for name in header[1:] if name != _RESULT]
        for line in lines:
            point = {name: _number(cell) for name, cell in zip(header, line, strict=True) if name in names}
            # By their written form: NaN is not equal to itself.
            key = tuple(f"{name}={value}" for name, value in sorted(point.items()))
            option = options.setdefault(key, Option(configuration=f"c{len(options)}", hyperparameters=dict(point)))
            values.setdefault(line[0], {})[option.configuration] = _number(line[result])
    return _grid(folder, values, tuple(options.values()))


def read_matrix(folder: Path) -> Grid:
    """Read a folder with a matrix, one data set a line, one algorithm a column; and meta-features.

    Files: `accuracy_matrix*.csv` and `metafeatures*.csv`, also compressed, one or several.

    Raises:
        FileNotFoundError: A file is missing; says which pattern.
    """
    values: dict[str, dict[str, float]] = {}
    for path in tables.found(folder, "accuracy_matrix*.csv"):
        header, *lines = tables.rows(path)
        for line in lines:
            cells = {_name(name): _number(text) for name, text in zip(header[1:], line[1:], strict=True)}
            values.setdefault(line[0], {}).update(cells)
    names = dict.fromkeys(name for cells in values.values() for name in cells)
    return _grid(folder, values, tuple(Option(configuration=name) for name in names))


def _grid(folder: Path, values: dict[str, dict[str, float]], options: tuple[Option, ...]) -> Grid:
    described: dict[str, dict[str, float]] = {}
    for path in tables.found(folder, "metafeatures*.csv"):
        header, *lines = tables.rows(path)
        for line in lines:
            numbers = zip(header[1:], map(_number, line[1:]), strict=True)
            described[line[0]] = {_name(name): number for name, number in numbers if np.isfinite(number)}
    results = np.array([[line.get(option.configuration, np.nan) for option in options] for line in values.values()])
    known = np.isfinite(results)
    low, high = np.where(known, results, np.inf).min(1), np.where(known, results, -np.inf).max(1)
    kept = np.flatnonzero(high > low).tolist()
    names = [_name(name) for name in values]
    features = [described.get(name, {}) for name in values]
    left_out = tuple(name for i, name in enumerate(names) if i not in set(kept))
    return Grid([names[i] for i in kept], options, results[kept], [features[i] for i in kept], left_out)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _name(text: str) -> str:
    """Return a name that payloads take: letters, digits, dot, dash, underscore."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "-" for c in text)
