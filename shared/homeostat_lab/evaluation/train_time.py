"""How long will a training take: asked before each run, told afterwards.

Learning curves: after every run of at least 128 rows, the seconds of 2 and 4 times the rows. Searches: the seconds of
the next configuration of a search, from its hyperparameters and the runs before. Each baseline answers the same
questions: as many times the seconds as rows, and the median of the search so far.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from homeostat.events import AdviceGiven, AdviceRequested, EpisodeRecorded
from homeostat.events.advice import Advised, Option
from homeostat_lab.evaluation import tables
from homeostat_lab.evaluation.feeding import Feeder
from homeostat_lab.evaluation.learning_curves import Curve, read
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, bootstrap_row

TASK: Final = "train-time"
METRIC: Final = "median_absolute_log_error"
_SUBJECT: Final = "evaluation/training-times"
_N_SETS: Final = 80
"""Data sets of an order, drawn by its seed."""
_N_PLOTTED: Final = 12
_RULE: Final = "proportional to the rows"
_MEDIAN: Final = "median of the search so far"


@dataclass(frozen=True, slots=True)
class Guess:
    """A prediction and what came.

    Args:
        group: Data set or search: what is independent.
        setting: Kind of question.
        place: Share of the order that came before.
        ours: Logarithm of predicted by true seconds.
        baseline: The same of the baseline.
        is_covered: Whether the 90 % interval held it.
    """

    group: str
    setting: str
    place: float
    ours: float
    baseline: float
    is_covered: bool


def evaluate(job: Job) -> Result:
    """Play every seed; intervals are over data sets and searches."""
    guesses: list[Guess] = []
    curves, notes = read(job.folder("lcdb"))
    searches, left_out = _searches(job)
    for seed in range(job.seeds):
        job.say(f"order {seed + 1} of {job.seeds}")
        guesses += play_curves(curves, seed)
        guesses += play_searches(searches, seed)
    rows = []
    for setting in sorted({guess.setting for guess in guesses}):
        chosen = [guess for guess in guesses if guess.setting == setting]
        baseline = _RULE if setting.startswith("lcdb") else _MEDIAN
        rows += _rows(setting, chosen, baseline)
    notes += [
        f"lcdb: {_N_SETS} data sets an order, drawn by its seed; questions about a time of 0 seconds are left out",
        "searches: the first question of all is left out, as the median of no run is none",
        *left_out,
    ]
    return Result(rows, [_learning(guesses)], notes)


def play_curves(curves: list[Curve], seed: int) -> list[Guess]:
    """Tell runs of learners on data sets in random order, asking on the way."""
    from homeostat.services.training_advisor.fold import TrainingAdvisor

    generator = np.random.default_rng(seed)
    names = sorted({curve.task for curve in curves})
    chosen = {names[i] for i in generator.permutation(len(names))[:_N_SETS].tolist()}
    order = [curve for curve in curves if curve.task in chosen]
    feeder = Feeder(TrainingAdvisor(), topic_id=f"{TASK}-{seed}")
    guesses = []
    for place, n in enumerate(generator.permutation(len(order)).tolist()):
        curve = order[n]
        for i, seconds in enumerate(curve.seconds):
            feeder.publish(_SUBJECT, curve.episode(i))
            asked = [(growth, j) for growth, j in curve.larger(i) if min(seconds, curve.seconds[j]) > 0.0]
            if not asked:
                continue
            options = [Option(configuration=curve.configuration, rows=curve.rows[j]) for _, j in asked]
            told = _ask(feeder, curve.task, curve.meta_features, options)
            for (growth, j), option in zip(asked, told, strict=True):
                ratio = curve.rows[j] / curve.rows[i]
                guesses.append(
                    _guess(curve.task, f"lcdb x{growth}", place / len(order), option, curve.seconds[j], ratio * seconds)
                )
    return guesses


@dataclass(frozen=True, slots=True)
class Search:
    """Runs of a search for hyperparameters.

    Args:
        name: Of the searched problem.
        setting: Name of the file.
        runs: Hyperparameters and seconds.
    """

    name: str
    setting: str
    runs: tuple[tuple[dict[str, float], float], ...]


def play_searches(searches: Sequence[Search], seed: int) -> list[Guess]:
    """Tell the runs of searches in random order, asking before each."""
    from homeostat.services.training_advisor.fold import TrainingAdvisor

    generator = np.random.default_rng(seed)
    guesses = []
    for setting in sorted({search.setting for search in searches}):
        feeder = Feeder(TrainingAdvisor(), topic_id=f"{TASK}-{setting}-{seed}")
        order = [search for search in searches if search.setting == setting]
        before: list[float] = []
        for place, n in enumerate(generator.permutation(len(order)).tolist()):
            search = order[n]
            own: list[float] = []
            for i in generator.permutation(len(search.runs)).tolist():
                hyperparameters, seconds = search.runs[i]
                name = f"{search.name[-80:]}-{i}"
                option = Option(configuration=name, hyperparameters=dict(hyperparameters))
                (told,) = _ask(feeder, search.name, {}, [option])
                known = own or before
                if known:
                    median = float(np.median(known))
                    guesses.append(_guess(search.name, setting, place / len(order), told, seconds, median))
                own.append(seconds)
                feeder.publish(
                    _SUBJECT,
                    EpisodeRecorded(
                        episode=name,
                        task=search.name,
                        configuration=name,
                        hyperparameters=dict(hyperparameters),
                        result=0.0,
                        seconds=seconds,
                    ),
                )
            before += own
    return guesses


def _ask(
    feeder: Feeder[Any], task: str, meta_features: dict[str, float], options: Sequence[Option]
) -> tuple[Advised, ...]:
    request = AdviceRequested(task=task, question="seconds", meta_features=meta_features, options=tuple(options))
    given = next(emit.data for emit in feeder.publish(_SUBJECT, request) if isinstance(emit.data, AdviceGiven))
    return given.options


def _guess(group: str, setting: str, place: float, told: Advised, seconds: float, baseline: float) -> Guess:
    covered = told.low <= seconds <= told.high
    ours, beside = float(np.log(told.expected / seconds)), float(np.log(baseline / seconds))
    return Guess(group, setting, place, ours, beside, covered)


def _searches(job: Job) -> tuple[list[Search], list[str]]:
    """Read the files that hold training times, with notes on what is left out; none where the folder is missing."""
    try:
        folder = job.folder("hpo-blackbox")
    except FileNotFoundError as missing:
        return [], [f"searches left out: {missing}"]
    found: dict[tuple[str, str], list[tuple[dict[str, float], float]]] = {}
    notes, n_timeless = list[str](), 0
    for path in tables.found(folder, "*.csv"):
        for line in tables.records(path):
            if "metric_time" not in line:
                notes.append(f"{path.name} left out: it has no training times")
                break
            seconds = float(line["metric_time"])
            values = {name: float(value) for name, value in line.items() if name.startswith("hp_")}
            if seconds > 0.0:
                key = re.split(r"[_.]", path.name)[0], re.sub(r"[^a-zA-Z0-9]", "-", line["task"])
                found.setdefault(key, []).append((values, seconds))
            else:
                n_timeless += 1
    if n_timeless:
        notes.append(f"searches: {n_timeless} runs of 0 seconds are left out")
    return [Search(name, setting, tuple(runs)) for (setting, name), runs in sorted(found.items())], notes


def _rows(setting: str, guesses: Sequence[Guess], baseline: str) -> list[Row]:
    groups: dict[str, list[Guess]] = {}
    for guess in guesses:
        groups.setdefault(guess.group, []).append(guess)
    units = list(groups.values())
    late = [kept for unit in units if (kept := [guess for guess in unit if guess.place >= 0.5])]
    rows = [
        bootstrap_row(TASK, METRIC, setting, OURS, [_column(u, "ours") for u in units], _median),
        bootstrap_row(TASK, METRIC, f"{setting} last half", OURS, [_column(u, "ours") for u in late], _median),
        bootstrap_row(TASK, METRIC, setting, baseline, [_column(u, "baseline") for u in units], _median),
        bootstrap_row(TASK, METRIC, f"{setting} last half", baseline, [_column(u, "baseline") for u in late], _median),
    ]
    covered = [[guess.is_covered for guess in unit] for unit in units]
    return [*rows, bootstrap_row(TASK, "coverage of 90 %", setting, OURS, covered, _share)]


def _column(guesses: Sequence[Guess], name: str) -> list[float]:
    return [abs(getattr(guess, name)) for guess in guesses]


def _median(units: Sequence[object]) -> float:
    return float(np.median(np.concatenate([np.asarray(unit) for unit in units])))


def _share(units: Sequence[object]) -> float:
    return float(np.mean(np.concatenate([np.asarray(unit) for unit in units])))


def _learning(guesses: Sequence[Guess]) -> Plot:
    """Error within consecutive stretches of the order."""
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
    for setting in sorted({guess.setting for guess in guesses}):
        stretches: dict[int, list[float]] = {}
        for guess in guesses:
            if guess.setting == setting:
                stretches.setdefault(int(guess.place * _N_PLOTTED), []).append(abs(guess.ours))
        places = sorted(stretches)
        xs = [(place + 0.5) / _N_PLOTTED for place in places]
        lines[setting] = (xs, [float(np.median(stretches[place])) for place in places])
    return Plot("Predicted training time, as tasks are seen", "share of the order", "median absolute log error", lines)
