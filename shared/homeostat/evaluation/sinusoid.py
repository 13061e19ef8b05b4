"""Few-shot regression: sine waves of unknown amplitude and phase from 5 points, error after 0, 1, 5, 10 steps.

Tasks go through the hand as recorded tasks and come back as published weights; new tasks are adapted to by the
trainer's own code. `homeostat` is what the hand does for numbers unless told otherwise, the closed form; the others are
its other inner rules, by name, with equal numbers of outer steps.

Source of the tasks: Finn et al. 2017, section 5.1.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import open_store
from homeostat.evaluation.meta_training import Trained, log_of, task_recorded, train
from homeostat.evaluation.rows import OURS, Job, Plot, Result, Row, Say, mean_row
from homeostat.events import Episodes, MetaTraining
from maml_trainer.baselines import pretrain, tuned
from maml_trainer.batch import Batch
from maml_trainer.evaluate import few_shot
from maml_trainer.meta import Learned
from maml_trainer.network import mlp
from maml_trainer.pool import TaskPool
from maml_trainer.settings import MamlTrainerSettings
from maml_trainer.tasks import Task

N_NEW: Final = 2000
_SHOTS: Final = 5
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
_PUBLISHED: Final = {1: 0.67, 5: 0.38, 10: 0.35}
"""Finn et al. 2017, table 2 of the appendix: MAML, 5 shots."""

_PRETRAIN_STEPS: Final = 6000
_FINE_TUNE: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)


def evaluate(job: Job) -> Result:
    """Train each rule on the same recorded tasks, then score it on the same new ones."""
    rows: list[Row] = []
    lines: dict[str, list[list[float]]] = {}
    for seed in range(job.seeds):
        episodes = _episodes(seed)
        for method, starts in _starts(seed, job.say):
            _score(method, starts, episodes, rows, lines)
    by_step: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        name: (_STEPS, [float(np.mean(values)) for values in found]) for name, found in lines.items()
    }
    return Result(
        _merged(rows) + _published(),
        [Plot("Sine waves from 5 points: error on 2,000 new ones", "gradient steps", "mean squared error", by_step)],
    )


def _starts(seed: int, say: Say) -> Iterator[tuple[str, dict[int, Learned]]]:
    """Yield each method's start for each number of steps: one and the same, but for the tuned baseline."""
    with tempfile.TemporaryDirectory(prefix="homeostat-") as folder:
        root = Path(folder)
        store = open_store(root / "artifacts")
        tasks = [*_waves(_N_TRAIN, seed, "task"), *_waves(_N_HELD_OUT, seed, "held-out")]
        log = log_of(
            [
                task_recorded(
                    task.task_id,
                    (task.support_x, task.support_y),
                    (task.query_x, task.query_y),
                    store,
                    n_classes=0,
                    is_held_out=task.task_id.startswith("held-out"),
                )
                for task in tasks
            ]
        )
        settings = MamlTrainerSettings(device="cpu", hidden=_HIDDEN)

        def trained(algorithm: str) -> Trained:
            say(f"seed {seed}: {algorithm}")
            fields: dict[str, Any] = {"window": log.window, "algorithm": algorithm, "n_steps": _N_STEPS, "seed": seed}
            episodes = Episodes(shots=(_SHOTS,), queries=2 * _SHOTS, per_step=_PER_STEP)
            steps = _TRAINED_STEPS.get(algorithm, 1)
            spec = MetaTraining(**fields, episodes=episodes, inner_steps=steps, inner_rate=_RATE)
            return train(log, spec, store, say, workdir=root / "work", settings=settings)

        yield OURS, dict.fromkeys(_STEPS, trained("auto").learned)
        for algorithm in _RULES:
            yield algorithm, dict.fromkeys(_STEPS, trained(algorithm).learned)
    say(f"seed {seed}: pretrain + fine-tune")
    network, training = mlp((1, *_HIDDEN, 1)), tasks[:_N_TRAIN]
    pool = TaskPool(training[:_N_HELD_OUT], 1, 1)
    few = [pool.shots(np.random.default_rng(seed), np.arange(len(pool)), _SHOTS)]
    pooled = pretrain(training, network, seed, n_steps=_PRETRAIN_STEPS)
    yield "pretrain + fine-tune", {steps: tuned(network, pooled, few, steps, grid=_FINE_TUNE) for steps in _STEPS}


def _score(
    method: str, starts: dict[int, Learned], episodes: Batch, rows: list[Row], lines: dict[str, list[list[float]]]
) -> None:
    curves = lines.setdefault(method, [[] for _ in _STEPS])
    for (steps, start), curve in zip(starts.items(), curves, strict=True):
        is_closed_form = start.rule.is_closed_form
        losses = few_shot(start, episodes, steps=None if is_closed_form else steps).losses
        curve.append(float(losses.mean()))
        if not is_closed_form:
            rows.append(_row(_setting(steps), method, losses))
        elif steps == _STEPS[0]:
            rows.append(_row(f"{_SHOTS} shots, closed form", method, losses))


def _setting(steps: int) -> str:
    return f"{_SHOTS} shots, {steps} step{'s' if steps > 1 else ''}"


def _row(setting: str, method: str, losses: NDArray[np.float64]) -> Row:
    return mean_row("sinusoid", "mse", setting, method, losses.tolist())


def _merged(rows: list[Row]) -> list[Row]:
    """One row per setting and method: over seeds if there are several, else over tasks."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.setting, row.method), []).append(row)
    return [
        group[0] if len(group) == 1 else mean_row("sinusoid", "mse", setting, method, [row.value for row in group])
        for (setting, method), group in found.items()
    ]


def _published() -> list[Row]:
    return [
        Row("sinusoid", "mse", _setting(steps), "published maml", value, value, value, 1)
        for steps, value in _PUBLISHED.items()
    ]


def _waves(n: int, seed: int, name: str) -> list[Task]:
    generator = np.random.default_rng([seed, len(name)])
    return [_wave(generator, f"{name}-{number:05d}", _ROWS, _ROWS) for number in range(n)]


def _wave(generator: np.random.Generator, name: str, n_support: int, n_query: int) -> Task:
    amplitude, phase = generator.uniform(0.1, 5.0), generator.uniform(0.0, np.pi)
    x = generator.uniform(-5.0, 5.0, (n_support + n_query, 1)).astype(np.float32)
    y = (amplitude * np.sin(x[:, 0] + phase)).astype(np.float32)
    return Task(name, x[:n_support], y[:n_support], x[n_support:], y[n_support:])


def _episodes(seed: int) -> Batch:
    """New tasks: 5 points to adapt on, 100 to be judged on."""
    generator = np.random.default_rng([seed, 99])
    pool = TaskPool([_wave(generator, f"new-{number:05d}", _SHOTS, 100) for number in range(N_NEW)], 1, 1)
    return pool.shots(np.random.default_rng(seed), np.arange(N_NEW), _SHOTS)
