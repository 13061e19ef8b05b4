"""Learning curves of many learners on many data sets, as runs that happened one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from homeostat.events import EpisodeRecorded
from homeostat_lab.evaluation import tables

LEAST_ANCHOR: Final = 128
GROWTHS: Final = (2, 4)
_SAME: Final = 0.1
"""Sizes are the same within this difference of logarithms: curves end beside the grid of half-octaves."""
_DESCRIPTORS: Final = ("NumberOfFeatures", "NumberOfClasses", "NumberOfNumericFeatures", "NumberOfInstances")


@dataclass(frozen=True, slots=True)
class Curve:
    """Runs of one learner on one data set, by rising size.

    Args:
        task: The data set.
        configuration: The learner.
        rows: Sizes of the training set.
        results: Validation accuracy.
        seconds: Training times.
        meta_features: Of the data set, where known.
    """

    task: str
    configuration: str
    rows: tuple[int, ...]
    results: tuple[float, ...]
    seconds: tuple[float, ...]
    meta_features: dict[str, float]

    def episode(self, i: int) -> EpisodeRecorded:
        """Return the i-th run as a training job would tell it."""
        return EpisodeRecorded(
            episode=f"{self.task}-{self.configuration[-80:]}-{self.rows[i]}",
            task=self.task,
            configuration=self.configuration,
            rows=self.rows[i],
            meta_features=self.meta_features,
            result=self.results[i],
            seconds=self.seconds[i],
        )

    def larger(self, i: int) -> Iterator[tuple[int, int]]:
        """Yield growth and index of the runs that are 2 and 4 times the i-th; none below `LEAST_ANCHOR` rows."""
        if self.rows[i] < LEAST_ANCHOR:
            return
        for growth in GROWTHS:
            distances = np.abs(np.log(np.array(self.rows) / (growth * self.rows[i])))
            j = int(np.argmin(distances))
            if j > i and distances[j] < _SAME:
                yield growth, j


def read(folder: Path) -> tuple[list[Curve], list[str]]:
    """Return the curves of all files of a folder, and notes on the runs that are left out.

    Raises:
        FileNotFoundError: There is no file of curves.
    """
    described = _meta_features(folder)
    runs: dict[tuple[str, str], dict[int, tuple[float, float]]] = {}
    n_incomplete = 0
    for path in tables.found(folder, "learning_curves*.csv"):
        for line in tables.records(path):
            if line["score_valid"] and line["traintime"]:
                run = float(line["score_valid"]), float(line["traintime"])
                runs.setdefault((line["openmlid"], line["learner"]), {})[int(line["size_train"])] = run
            else:
                n_incomplete += 1
    curves = []
    for (task, configuration), points in sorted(runs.items()):
        rows = tuple(sorted(points))
        results, seconds = zip(*(points[n] for n in rows), strict=True)
        curves.append(Curve(task, configuration, rows, results, seconds, described.get(task, {})))
    asked = f"asked after runs of at least {LEAST_ANCHOR} rows that have one of 2 or 4 times the rows"
    return curves, [asked, *([f"{n_incomplete} runs without score or time are left out"] if n_incomplete else [])]


def _meta_features(folder: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for path in sorted(folder.glob("dataset_metafeatures*.csv*")):
        for line in tables.records(path):
            known = {name: float(line[name]) for name in _DESCRIPTORS if line.get(name)}
            found[line["openmlid"]] = {name: value for name, value in known.items() if np.isfinite(value)}
    return found
