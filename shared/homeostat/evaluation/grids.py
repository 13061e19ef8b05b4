"""Tables of results: data sets by configurations, with descriptors of both."""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, cast

import numpy as np

from homeostat.events import AdviceRequested, EpisodeRecorded
from homeostat.events.advice import Option
from homeostat.stats.portable import FloatArray

_RESULT: Final = "accuracy"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Results of configurations on data sets.

    Args:
        data_sets: n names.
        options: c configurations.
        results: (n, c), NaN where there is none.
        meta_features: By data set; missing ones are left out.
    """

    data_sets: list[str]
    options: tuple[Option, ...]
    results: FloatArray
    meta_features: list[dict[str, float]]

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

    Files: `*runs*.csv` and `metafeatures*.csv`, also compressed. Data sets without two different results are left out.

    Raises:
        FileNotFoundError: A file is missing; says which pattern.
    """
    header, lines = _read(_find(folder, "*runs*.csv*"))
    key, result = header[0], header.index(_RESULT)
    hyperparameters = [i for i, name in enumerate(header) if name not in (key, _RESULT)]
    options: dict[tuple[str, ...], int] = {}
    values: dict[str, dict[int, float]] = {}
    for line in lines:
        point = tuple(line[i] for i in hyperparameters)
        index = options.setdefault(point, len(options))
        values.setdefault(line[0], {})[index] = _number(line[result])
    return _grid(
        folder,
        values,
        tuple(
            Option(
                configuration=f"c{index}",
                hyperparameters={header[i]: _number(text) for i, text in zip(hyperparameters, point, strict=True)},
            )
            for point, index in options.items()
        ),
    )


def read_matrix(folder: Path) -> Grid:
    """Read a folder with a matrix, one data set a line, one algorithm a column; and meta-features.

    Files: `accuracy_matrix*.csv` and `metafeatures*.csv`, also compressed.

    Raises:
        FileNotFoundError: A file is missing; says which pattern.
    """
    header, lines = _read(_find(folder, "accuracy_matrix*.csv*"))
    values = {line[0]: {i: _number(text) for i, text in enumerate(line[1:])} for line in lines}
    return _grid(folder, values, tuple(Option(configuration=_name(name)) for name in header[1:]))


def _grid(folder: Path, values: dict[str, dict[int, float]], options: tuple[Option, ...]) -> Grid:
    header, lines = _read(_find(folder, "metafeatures*.csv*"))
    described = {
        line[0]: {
            _name(name): number
            for name, number in zip(header[1:], map(_number, line[1:]), strict=True)
            if np.isfinite(number)
        }
        for line in lines
    }
    results = np.array([[line.get(i, np.nan) for i in range(len(options))] for line in values.values()])
    kept = np.flatnonzero(np.nanmax(results, 1) > np.nanmin(results, 1)).tolist()
    names = list(values)
    return Grid([_name(names[i]) for i in kept], options, results[kept], [described.get(names[i], {}) for i in kept])


def _find(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"no {pattern} in {folder}")
    return found[0]


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with cast(TextIO, gzip.open(path, "rt") if path.suffix == ".gz" else path.open()) as file:
        header, *lines = [line for line in csv.reader(file) if line]
    return header, lines


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _name(text: str) -> str:
    """Return a name that payloads take: letters, digits, dot, dash, underscore."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "-" for c in text)
