"""What counts as one observation at the gate."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.unit.maml_trainer.small import NETWORK, SIZES, small_tasks

from homeostat.artifacts import open_store
from homeostat.events import Episodes, MetaTraining
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.held_out import HeldOut, held_out
from homeostat.services.maml_trainer.data.task_reader import Collected
from homeostat.services.maml_trainer.meta.network import mlp
from homeostat.services.maml_trainer.publish.gate import MIN_TASKS
from homeostat_lab.evaluation.meta_training import log_of, task_recorded

DRAWN = Episodes(ways=5, shots=(1,), queries=2)


def gate_of(tmp_path: Path, n_tasks: int, episodes: Episodes, n_drawn: int = 40) -> HeldOut:
    """Draw the gate's episodes of some held-out tasks of three classes."""
    task, *_ = tasks = small_tasks(n_tasks)
    support, query = (task.support_x, task.support_y), (task.query_x, task.query_y)
    log = log_of([task_recorded("one", support, query, open_store(tmp_path), n_classes=3, is_held_out=True)])
    network = mlp((SIZES[0], 6, 1)) if episodes.ways else NETWORK
    spec = MetaTraining(window=log.window, episodes=episodes)
    return held_out(spec, Collected((), tuple(tasks), (), 3), network, n_drawn)


def test_a_recorded_task_is_one_observation(tmp_path: Path) -> None:
    """Each once, whatever number of episodes is drawn where classes are."""
    found = gate_of(tmp_path, 12, Episodes(shots=(1,)))

    assert (found.n_units, found.what) == (12, "held-out tasks")
    assert found.units.tolist() == list(range(12))


def test_few_classes_are_few_observations(tmp_path: Path) -> None:
    """Three classes make one group, not forty; with twenty and more there are the ten that the gate asks for."""
    assert gate_of(tmp_path, 1, DRAWN).n_units == 1
    assert gate_of(tmp_path, 6, DRAWN).n_units == 9
    assert gate_of(tmp_path, 7, DRAWN).n_units == MIN_TASKS
    assert gate_of(tmp_path, 50, DRAWN).n_units == 30


def test_episodes_have_the_trained_number_of_classes_where_there_are_enough(tmp_path: Path) -> None:
    """Else as many as leave ten groups."""
    assert gate_of(tmp_path, 50, DRAWN).episodes[1].query_y.shape[-1] == 5
    assert gate_of(tmp_path, 12, DRAWN).episodes[1].query_y.shape[-1] == 3
    assert gate_of(tmp_path, 7, DRAWN).episodes[1].query_y.shape[-1] == 2


def test_weights_are_judged_on_the_same_rows(tmp_path: Path) -> None:
    """The same held-out tasks give the same episodes, each time."""
    one, two = gate_of(tmp_path, 12, DRAWN), gate_of(tmp_path, 12, DRAWN)

    assert all(torch.equal(a, b) for a, b in zip(one.episodes[1], two.episodes[1], strict=True))


@pytest.mark.parametrize("ways", [0, 3])
def test_each_number_of_shots_is_judged(tmp_path: Path, ways: int) -> None:
    """Once each, fewest first, on the same units; where a class has fewer rows it has fewer shots."""
    found = gate_of(tmp_path, 12, Episodes(ways=ways, shots=(5, 1, 5, 1000), queries=2 if ways else 0))

    def shots(k: int, batch: Batch) -> NDArray[np.float64]:
        assert batch.query_weight.sum(-1).min() > 0
        return batch.support_weight.sum(-1).double().numpy() / max(ways, 1)

    counts = found.losses(shots)
    assert list(counts) == [1, 5, 1000]
    assert all(len(of_unit) == found.n_units for of_unit in counts.values())
    assert counts[1].max() <= 3
    assert (counts[1] < counts[5]).all()
    assert (counts[5] <= counts[1000]).all()


def test_losses_are_averaged_over_a_unit() -> None:
    """Repetitions add no weight; a loss that is not finite spoils its unit, and no other."""
    units = np.array([0, 1, 2, 0, 1])
    gate = HeldOut({1: Batch(*[torch.empty(0)] * 6)}, units, "groups")

    found = gate.by_unit(np.array([1.0, 2.0, 3.0, 5.0, np.inf]))

    assert found.tolist() == [3.0, np.inf, 3.0]
