"""What anybody could predict."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from tests.unit.maml_trainer.small import SIZES, sinusoids, small_tasks

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.publish import trivial
from homeostat.services.maml_trainer.publish.trivial import Prior


def episodes(tasks: list[Task], k: int, n_outputs: int = 1) -> Batch:
    """Every task once, with k shots."""
    pool = TaskSampler(tasks, tasks[0].support_x.shape[1], n_outputs)
    return pool.shots(np.random.default_rng(0), np.arange(len(pool)), k)


def noisy(n: int, seed: int, slope: float) -> list[Task]:
    """Lines through noise, a slope of its own for each."""
    generator = np.random.default_rng(seed)
    tasks = []
    for number in range(n):
        x = generator.standard_normal((40, 2)).astype(np.float32)
        y = (x @ (slope * generator.standard_normal(2)) + 3 + generator.standard_normal(40)).astype(np.float32)
        tasks.append(Task(f"{number:03}", x[:20], y[:20], x[20:], y[20:]))
    return tasks


@pytest.mark.parametrize("k", [1, 5, 20])
def test_noise_is_predicted_by_its_mean(k: int) -> None:
    """A constant has the variance as its loss, whatever the shots: it is not led astray by few rows."""
    found = trivial.losses("constant", episodes(noisy(40, 0, 0.0), k), episodes(noisy(200, 1, 0.0), k))

    assert found.shape == (200,)
    assert found.mean() == pytest.approx(1.0, abs=0.1)


def test_lines_are_found_by_a_linear_model() -> None:
    """Down to the noise with enough rows; a constant has the variance of the lines besides."""
    train, test = (episodes(noisy(n, seed, 3.0), 20) for n, seed in ((40, 0), (100, 1)))

    assert trivial.losses("linear", train, test).mean() < 1.3
    assert trivial.losses("constant", train, test).mean() > 10


def test_ridge_regression_is_scikit_learns() -> None:
    """Of standardised inputs, around the mean of all tasks; the constant is a feature like the others."""
    batch = episodes(sinusoids(8), 10)
    prior, task = Prior.of(batch), Batch(*(part[3].double() for part in batch))

    found = trivial.linear(prior, 2.0, task)

    def inputs(x: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        z = ((x - prior.mean) / prior.scale).numpy()
        return np.concatenate([z, np.ones((len(z), 1))], axis=1)

    mean = float(prior.target)
    model = Ridge(alpha=2.0, fit_intercept=False).fit(inputs(task.support_x), task.support_y[:, 0].numpy() - mean)
    np.testing.assert_allclose(found[:, 0].numpy(), mean + model.predict(inputs(task.query_x)), rtol=1e-8)


def test_logistic_regression_is_scikit_learns() -> None:
    """With the same penalty, and the logs of the shares of all tasks as what is said without inputs."""
    batch = episodes(small_tasks(8), 5, SIZES[-1])
    prior, task = Prior.of(batch), Batch(*(part[3].double() for part in batch))
    prior = Prior(prior.mean, prior.scale, torch.full((SIZES[-1],), 1 / SIZES[-1]).double())

    found = torch.softmax(trivial.linear(prior, 1.0, task), -1).numpy()

    def inputs(x: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        z = ((x - prior.mean) / (prior.scale * SIZES[0] ** 0.5)).numpy()
        return np.concatenate([z, np.ones((len(z), 1))], axis=1)

    kept = task.support_weight.numpy() > 0
    labels = task.support_y.argmax(-1).numpy()[kept]
    assert len(set(labels)) == SIZES[-1]
    model = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=10_000)
    model.fit(inputs(task.support_x)[kept], labels)
    np.testing.assert_allclose(found, model.predict_proba(inputs(task.query_x)), atol=1e-3)


def test_padding_says_nothing() -> None:
    """Rows of weight 0 change no prediction."""
    batch = episodes(small_tasks(8), 5, SIZES[-1])
    spoiled = batch._replace(
        support_x=torch.where(batch.support_weight[..., None] > 0, batch.support_x, torch.tensor(1e3)),
        query_x=torch.where(batch.query_weight[..., None] > 0, batch.query_x, torch.tensor(1e3)),
    )

    for name in trivial.NAMES:
        np.testing.assert_allclose(trivial.losses(name, spoiled, spoiled), trivial.losses(name, batch, batch))


def test_a_class_that_was_never_seen_has_a_finite_loss() -> None:
    """The gate must be able to compare."""
    x = np.zeros((4, 1), np.float32)
    seen = Task("a", x, np.array([0, 1, 0, 1]), x, np.array([0, 1, 0, 1]))
    unseen = Task("b", x, np.array([0, 1, 0, 1]), x, np.array([2, 2, 2, 2]))

    for name in trivial.NAMES:
        assert np.isfinite(trivial.losses(name, episodes([seen], 2, 3), episodes([unseen], 2, 3))).all()
