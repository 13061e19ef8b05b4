"""Few-shot regression: sine waves of unknown amplitude and phase from 5 and 10 points, error after 1, 5, 10 steps.

Tasks go through the hand as recorded tasks and come back as published weights; new tasks are adapted to by the
trainer's own code. `homeostat` is what the hand does for numbers unless told otherwise, the closed form, which has no
steps; the others are its other inner rules, by name, with equal numbers of outer steps, each trained with as many
points as it is scored with.

Source of the tasks: Finn et al. 2017, section 5.1.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import open_store
from homeostat.events import Episodes, MetaTraining
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.errors import DivergedError
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat.services.maml_trainer.settings import MamlTrainerSettings
from homeostat_lab.evaluation.few_shot_baselines import pretrain, tuned
from homeostat_lab.evaluation.meta_training import NotPublished, log_of, task_recorded, train
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, Say, mean_row, missing_row

_TASK: Final = "sinusoid"
N_NEW: Final = 2000
SHOTS: Final = (5, 10)
_N_TRAIN: Final = 5000
_N_HELD_OUT: Final = 200
_ROWS: Final = 20
"""Rows that a recorded task has for support, and as many for query."""

_N_STEPS: Final = 12_000
_PER_STEP: Final = 25
_HIDDEN: Final = (40, 40)
_STEPS: Final = (1, 5, 10)
_RULES: Final = ("maml", "fomaml", "anil", "meta_sgd", "reptile")
# Reptile needs several steps of a task to know a direction; the others train with one, as published.
_TRAINED_STEPS: Final = {"reptile": 5}
_RATE: Final = 0.01
_PUBLISHED: Final = {(5, 1): 0.67, (5, 5): 0.38, (5, 10): 0.35}
"""By shots and steps. Finn et al. 2017, table 2 of the appendix: MAML; of 10 shots there is only a figure."""

_BASELINE: Final = "pretrain + fine-tune"

Starts = dict[int, MetaParameters]
"""Where adaptation begins, by the number of its steps."""


_PRETRAIN_STEPS: Final = 6000
_FINE_TUNE: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)


def evaluate(job: Job) -> Result:
    """Train each rule on the same recorded tasks, then score it on the same new ones.

    A rule whose weights the hand keeps to itself, or that diverges on a task, has a row of NaN and a note.
    """
    rows: list[Row] = []
    notes: list[str] = []
    curves: dict[tuple[int, str], list[list[float]]] = {}
    for seed in range(job.seeds):
        with tempfile.TemporaryDirectory(prefix="homeostat-") as folder:
            school = _School(Path(folder), seed, job.say)
            for shots in SHOTS:
                episodes = _episodes(seed, shots)
                for method, start in school.starts(shots):
                    try:
                        scored = _scored(start(), episodes)
                    except (NotPublished, DivergedError) as rejected:
                        scored = dict.fromkeys([0] if method == OURS else _STEPS)
                        notes.append(f"seed {seed}, {shots} shots, {method}: {rejected}")
                    found = [row_of(_setting(shots, steps), method, losses) for steps, losses in scored.items()]
                    diverged = [row.setting for row in found if row.value != row.value and row.n]
                    notes += [f"seed {seed}, {setting}, {method}: diverged on a task" for setting in diverged]
                    rows += found
                    values = [row.value for row in found] * (len(_STEPS) if method == OURS else 1)
                    curves.setdefault((shots, method), []).append(values)
    notes.append(f"{_BASELINE} has {_PRETRAIN_STEPS:,} outer steps, the rules {_N_STEPS:,}")
    return Result(_merged(rows) + _published(), [_plot(shots, curves) for shots in SHOTS], notes)


class _School:
    """Trains through the hand on the tasks of one seed, and pretrains the baseline on them."""

    def __init__(self, root: Path, seed: int, say: Say) -> None:
        self._work, self._seed, self._say = root / "work", seed, say
        self._store = open_store(root / "artifacts")
        self._training, held_out = _waves(_N_TRAIN, seed, "task"), _waves(_N_HELD_OUT, seed, "held-out")
        self._log = log_of(
            [
                task_recorded(
                    task.task_id,
                    (task.support_x, task.support_y),
                    (task.query_x, task.query_y),
                    self._store,
                    n_classes=0,
                    is_held_out=is_held_out,
                )
                for is_held_out, tasks in ((False, self._training), (True, held_out))
                for task in tasks
            ]
        )
        self._network = mlp((1, *_HIDDEN, 1))
        self._pooled = pretrain(self._training, self._network, seed, n_steps=_PRETRAIN_STEPS)

    def starts(self, shots: int) -> Iterator[tuple[str, Callable[[], Starts]]]:
        """Yield each method with what makes its start for each number of steps.

        That is one and the same for all steps, but for the tuned baseline. The closed form has it under 0 steps.
        """
        yield OURS, partial(self._trained, "auto", shots, (0,))
        for algorithm in _RULES:
            yield algorithm, partial(self._trained, algorithm, shots, _STEPS)
        yield _BASELINE, partial(self._fine_tuned, shots)

    def _trained(self, algorithm: str, shots: int, steps: Sequence[int]) -> Starts:
        self._say(f"seed {self._seed}, {shots} shots: {algorithm}")
        fields: dict[str, Any] = {"algorithm": algorithm, "n_steps": _N_STEPS, "seed": self._seed}
        spec = MetaTraining(
            window=self._log.window,
            episodes=Episodes(shots=(shots,), queries=2 * shots, per_step=_PER_STEP),
            inner_steps=_TRAINED_STEPS.get(algorithm, 1),
            inner_rate=_RATE,
            **fields,
        )
        settings = MamlTrainerSettings(device="cpu", hidden=_HIDDEN)
        trained = train(self._log, spec, self._store, self._say, workdir=self._work, settings=settings)
        return dict.fromkeys(steps, trained.learned)

    def _fine_tuned(self, shots: int) -> Starts:
        self._say(f"seed {self._seed}, {shots} shots: {_BASELINE}")
        pool = TaskSampler(self._training[:_N_HELD_OUT], 1, 1)
        few = [pool.shots(np.random.default_rng(self._seed), np.arange(len(pool)), shots)]
        return {steps: tuned(self._network, self._pooled, few, steps, grid=_FINE_TUNE) for steps in _STEPS}


def _scored(starts: Starts, episodes: Batch) -> dict[int, NDArray[np.float64] | None]:
    """Return the losses on new tasks by number of steps; 0 is the closed form."""
    return {steps: few_shot(start, episodes, steps=steps or None).losses for steps, start in starts.items()}


def _setting(shots: int, steps: int) -> str:
    how = "closed form" if not steps else f"{steps} step{'s' if steps > 1 else ''}"
    return f"{shots} shots, {how}"


def row_of(setting: str, method: str, losses: NDArray[np.float64] | None) -> Row:
    """Average over tasks; one that diverged makes the mean NaN, since it is no missing value.

    Args:
        setting: Of the row.
        method: Of the row.
        losses: By task, (n,), n >= 1; None if nothing was trained.
    """
    if losses is None:
        return missing_row(_TASK, "mse", setting, method)
    if not np.isfinite(losses).all():
        return replace(missing_row(_TASK, "mse", setting, method), n=len(losses))
    return mean_row(_TASK, "mse", setting, method, losses.tolist())


def _plot(shots: int, curves: dict[tuple[int, str], list[list[float]]]) -> Plot:
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        method: (_STEPS, np.mean(runs, axis=0).tolist()) for (of, method), runs in curves.items() if of == shots
    }
    title = f"Sine waves from {shots} points: error on {N_NEW:,} new ones"
    return Plot(title, "gradient steps (the closed form has none)", "mean squared error", lines)


def _merged(rows: list[Row]) -> list[Row]:
    """One row per setting and method: over seeds if there are several, else over tasks."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.setting, row.method), []).append(row)
    return [
        group[0] if len(group) == 1 else mean_row(_TASK, "mse", setting, method, [row.value for row in group])
        for (setting, method), group in found.items()
    ]


def _published() -> list[Row]:
    return [
        Row(_TASK, "mse", _setting(shots, steps), "published maml", value, value, value, 1)
        for (shots, steps), value in _PUBLISHED.items()
    ]


def _waves(n: int, seed: int, name: str) -> list[Task]:
    generator = np.random.default_rng([seed, len(name)])
    return [_wave(generator, f"{name}-{number:05d}", _ROWS, _ROWS) for number in range(n)]


def _wave(generator: np.random.Generator, name: str, n_support: int, n_query: int) -> Task:
    amplitude, phase = generator.uniform(0.1, 5.0), generator.uniform(0.0, np.pi)
    x = generator.uniform(-5.0, 5.0, (n_support + n_query, 1)).astype(np.float32)
    y = (amplitude * np.sin(x[:, 0] + phase)).astype(np.float32)
    return Task(name, x[:n_support], y[:n_support], x[n_support:], y[n_support:])


def _episodes(seed: int, shots: int) -> Batch:
    """New tasks: so many points to adapt on, 100 to be judged on."""
    generator = np.random.default_rng([seed, 99])
    pool = TaskSampler([_wave(generator, f"new-{number:05d}", shots, 100) for number in range(N_NEW)], 1, 1)
    return pool.shots(np.random.default_rng(seed), np.arange(N_NEW), shots)
