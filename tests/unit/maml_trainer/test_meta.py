"""Meta-training: reproducible, finite or refused."""

import numpy as np
import pytest
import torch
from tests.unit.maml_trainer.small import SIZES, small_tasks
from torch import Tensor

from maml_trainer.errors import DivergedError
from maml_trainer.evaluate import few_shot_loss, tuned
from maml_trainer.inner import join, split
from maml_trainer.interval import paired_difference
from maml_trainer.meta import MetaConfig, meta_train, scratch
from maml_trainer.network import init
from maml_trainer.tasks import Task
from maml_trainer.weights import provenance, save

CONFIG = MetaConfig(SIZES, seed=3, n_steps=12, tasks_per_step=4, shots=(1, 3))


def digest(config: MetaConfig, tasks: list[Task]) -> str:
    """Train on the CPU and name the weights."""
    return save(meta_train(tasks, config, device="cpu"), provenance(config, len(tasks), device="cpu")).digest


def test_the_same_tasks_and_seed_give_the_same_bytes() -> None:
    """Two runs, one with the tasks in another order, have one sha256."""
    tasks = small_tasks(9)

    assert digest(CONFIG, tasks) == digest(CONFIG, tasks) == digest(CONFIG, tasks[::-1])


@pytest.mark.parametrize(
    "other",
    [
        MetaConfig(SIZES, seed=4, n_steps=12, tasks_per_step=4, shots=(1, 3)),
        MetaConfig(SIZES, seed=3, n_steps=12, tasks_per_step=4, shots=(1, 3), first_order=True),
    ],
)
def test_seed_and_algorithm_change_the_weights(other: MetaConfig) -> None:
    """Another seed or FOMAML gives other parameters: the digest is not a constant."""
    ours, theirs = (meta_train(small_tasks(9), config, device="cpu") for config in (CONFIG, other))

    assert not torch.equal(ours.params["w1"], theirs.params["w1"])


def test_the_start_is_not_modified() -> None:
    """Continuing from published weights leaves them as they were, and moves on from them."""
    start = scratch(SIZES, 0)
    before = scratch(SIZES, 0)

    learned = meta_train(small_tasks(5), CONFIG, start=start, device="cpu")

    assert all(torch.equal(start.params[name], before.params[name]) for name in before.params)
    assert all(torch.equal(start.lrs[name], before.lrs[name]) for name in before.lrs)
    assert not torch.equal(learned.params["w1"], start.params["w1"])


def test_step_sizes_stay_positive_and_are_learned() -> None:
    """Each tensor has its own step size, above 0, and no longer the initial one."""
    learned = meta_train(small_tasks(5), CONFIG, device="cpu")

    assert learned.lrs.keys() == learned.params.keys()
    assert all(lr.shape == () and lr > 0 for lr in learned.lrs.values())
    assert len({lr.item() for lr in learned.lrs.values()}) == len(learned.lrs)


def test_join_and_split_are_inverse() -> None:
    """Parameters survive exactly, step sizes to rounding."""
    start = scratch(SIZES, 0)

    params, lrs = split(join(start.params, start.lrs))

    assert params == start.params
    assert all(torch.isclose(lrs[name], start.lrs[name], rtol=1e-6) for name in lrs)


def test_progress_is_told_of_every_step() -> None:
    """The callback hears 1 … n, the total, and a finite loss."""
    heard: list[tuple[int, int, float]] = []

    meta_train(small_tasks(5), CONFIG, device="cpu", progress=lambda *step: heard.append(step))

    assert [(step, n) for step, n, _ in heard] == [(step, 12) for step in range(1, 13)]
    assert np.isfinite([loss for _, _, loss in heard]).all()


def test_a_diverging_inner_loop_is_refused() -> None:
    """A step size far too large ends in DivergedError with the step, not in NaN weights."""
    with pytest.raises(DivergedError) as caught:
        meta_train(small_tasks(5), CONFIG, start=scratch(SIZES, 0, lr=1e20), device="cpu")

    assert (caught.value.step, caught.value.where, caught.value.reason) == (0, "query_loss", "diverged")


def test_a_meta_gradient_that_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finite loss with a gradient that is not still ends the run."""

    def broken(meta: dict[str, Tensor], *_: object) -> tuple[dict[str, Tensor], Tensor]:
        return {name: torch.full_like(value, torch.inf) for name, value in meta.items()}, torch.tensor(1.0)

    monkeypatch.setattr("maml_trainer.meta.meta_gradient", broken)

    with pytest.raises(DivergedError) as caught:
        meta_train(small_tasks(5), CONFIG, device="cpu")

    assert caught.value.where == "meta_gradient"


def test_a_start_of_another_shape_is_an_error() -> None:
    """Weights of another network cannot be continued."""
    with pytest.raises(ValueError, match="widths"):
        meta_train(small_tasks(5), CONFIG, start=scratch((4, 5, 3), 0), device="cpu")


@pytest.mark.parametrize("wrong", [{"n_steps": 0}, {"shots": ()}, {"shots": (0,)}, {"seed": -1}, {"inner_steps": 0}])
def test_a_run_of_nothing_is_an_error(wrong: dict[str, int]) -> None:
    """Counts below 1 and negative seeds are refused at once."""
    with pytest.raises(ValueError, match=r"at least 1|seed"):
        MetaConfig(**{"sizes": SIZES, "seed": 0, **wrong})  # type: ignore[arg-type]  # wrong on purpose


def test_regression_learns_the_sinusoids() -> None:
    """Held-out 10-shot squared error after 5 steps is below the tuned scratch start's, with 95 % confidence.

    200 meta-steps on 100 sinusoids, 100 held out, inputs scaled to [-1, 1]; seeds fixed. Measured
    2.7 and 3.0 for two seeds, against 4.7.
    """
    tasks, held_out = sinusoids(100, 0), sinusoids(100, 1)
    config = MetaConfig((1, 40, 40, 1), seed=0, n_steps=200, shots=(10,))

    learned = meta_train(tasks, config, start=scratch(config.sizes, 0, lr=0.02), device="cpu")

    naive = tuned(init(config.sizes, 0), tasks, 10, 5)
    ours = few_shot_loss(learned.params, learned.lrs, held_out, 10, 5)
    theirs = few_shot_loss(naive.params, naive.lrs, held_out, 10, 5)
    assert ours.accuracies is None
    assert paired_difference(ours.losses, theirs.losses).high < 0


def sinusoids(n_tasks: int, seed: int) -> list[Task]:
    """Make the regression tasks of Finn et al. 2017, section 5.1."""
    generator = np.random.default_rng(seed)
    tasks = []
    for i in range(n_tasks):
        amplitude, phase = generator.uniform(0.1, 5), generator.uniform(0, np.pi)
        x = generator.uniform(-5, 5, (60, 1)).astype(np.float32)
        y = (amplitude * np.sin(x[:, 0] + phase)).astype(np.float32)
        x /= 5
        tasks.append(Task(f"sine-{i:03}", x[:20], y[:20], x[20:], y[20:]))
    return tasks
