"""What counts as one observation at the gate."""

from pathlib import Path

import numpy as np
import torch
from tests.unit.maml_trainer.small import NETWORK, SIZES, small_tasks

from homeostat.artifacts import open_store
from homeostat.evaluation.meta_training import log_of, task_recorded
from homeostat.events import Episodes, MetaTraining
from maml_trainer.batch import Batch
from maml_trainer.gate import MIN_TASKS
from maml_trainer.held_out import HeldOut, held_out
from maml_trainer.history import Collected
from maml_trainer.network import mlp

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
    assert gate_of(tmp_path, 50, DRAWN).episodes.query_y.shape[-1] == 5
    assert gate_of(tmp_path, 12, DRAWN).episodes.query_y.shape[-1] == 3
    assert gate_of(tmp_path, 7, DRAWN).episodes.query_y.shape[-1] == 2


def test_weights_are_judged_on_the_same_rows(tmp_path: Path) -> None:
    """The same held-out tasks give the same episodes, each time."""
    one, two = gate_of(tmp_path, 12, DRAWN), gate_of(tmp_path, 12, DRAWN)

    assert all(torch.equal(a, b) for a, b in zip(one.episodes, two.episodes, strict=True))


def test_losses_are_averaged_over_a_unit() -> None:
    """Repetitions add no weight; a loss that is not finite spoils its unit, and no other."""
    units = np.array([0, 1, 2, 0, 1])
    gate = HeldOut(Batch(*[torch.empty(0)] * 6), units, "groups")

    found = gate.by_unit(np.array([1.0, 2.0, 3.0, 5.0, np.inf]))

    assert found.tolist() == [3.0, np.inf, 3.0]
