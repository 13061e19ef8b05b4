"""What learned initial weights are worth on the cameras: held-out poses and images, equal steps for everybody."""

from collections.abc import Callable, Iterable

import numpy as np
import torch

from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.evaluate import few_shot_loss
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig, meta_train
from homeostat_lab.demo.world import World
from homeostat_lab.evaluation.few_shot_baselines import pretrain, tuned
from homeostat_lab.evaluation.rows import Row, mean_row

_NETWORK = mlp((64, 64, 10))
_STEPS = 5
_SHOTS = (1, 5, 10)


def evaluate(seeds: Iterable[int], *, n_train: int = 200, n_test: int = 60, say: Callable[[str], None]) -> list[Row]:
    """Compare MAML with pooled pre-training + fine-tuning and with scratch.

    Step sizes of the baselines are tuned on training tasks, for the same number of steps.

    Args:
        seeds: Of the worlds.
        n_train: Tasks to learn from.
        n_test: Held-out tasks: other poses, other images.
        say: Told how far it is.
    """
    torch.set_num_threads(1)
    found: dict[tuple[str, int], list[float]] = {}
    for seed in seeds:
        say(f"seed {seed}: initial weights")
        world = World(seed)
        train, test = _tasks(world, n_train, is_held_out=False), _tasks(world, n_test, is_held_out=True)
        maml = meta_train(TaskSampler(train, 64, 10), MetaConfig(_NETWORK, seed=seed), device="cpu")
        pooled, fresh = pretrain(train, _NETWORK, seed), _NETWORK.init(seed)
        few = TaskSampler(train[:40], 64, 10)
        for k in _SHOTS:
            shots = [few.shots(np.random.default_rng(0), np.arange(len(few)), k)]
            starts = {
                "maml": maml,
                "pretrain + fine-tune": tuned(_NETWORK, pooled, shots, _STEPS),
                "scratch": tuned(_NETWORK, fresh, shots, _STEPS),
            }
            for name, start in starts.items():
                result = few_shot_loss(start, test, k, _STEPS, seed=seed)
                assert result.accuracies is not None
                found.setdefault((name, k), []).append(float(np.mean(result.accuracies)))
    rows = [
        mean_row("demo-initial-weights", "query accuracy", f"{k} labels per class, {_STEPS} steps", name, values)
        for (name, k), values in found.items()
    ]
    for k in _SHOTS:
        for other in ("pretrain + fine-tune", "scratch"):
            differences = [a - b for a, b in zip(found["maml", k], found[other, k], strict=True)]
            setting = f"{k} labels per class, minus {other}"
            rows.append(mean_row("demo-initial-weights", "query accuracy, difference", setting, "maml", differences))
    return rows


def _tasks(world: World, n: int, *, is_held_out: bool) -> list[Task]:
    return [
        Task(f"{number:05d}", task.support_x, task.support_y, task.query_x, task.query_y)
        for number, task in enumerate(world.tasks(n, world.seed, is_held_out=is_held_out))
    ]
