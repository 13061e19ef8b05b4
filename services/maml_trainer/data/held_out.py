"""What the gate judges on: episodes of held-out tasks, and which of them count as one observation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import MetaTraining
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.episode_sampler import EpisodeSampler
from homeostat.services.maml_trainer.data.task_reader import Collected
from homeostat.services.maml_trainer.data.task_sampler import TaskSampler
from homeostat.services.maml_trainer.meta.network import Network
from homeostat.services.maml_trainer.publish.gate import MIN_TASKS

_SEED: Final = 0
_N_TRAINING: Final = 24
"""Training episodes that a trivial predictor, and the first step size, are tuned on."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Episodes and their units.

    Args:
        episodes: By number of shots, fewest first; n each, the first ones of different units.
        units: Unit of each episode, from 0 (n,), the same for all numbers of shots. Units share no row: the interval of
            the gate is over them.
        what: What a unit is, for people.
    """

    episodes: Mapping[int, Batch]
    units: NDArray[np.int64]
    what: str

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.units.max()) + 1

    def losses(self, of: Callable[[int, Batch], NDArray[np.float64]]) -> dict[int, NDArray[np.float64]]:
        """Score something on the episodes of each number of shots, and average its losses over each unit."""
        return {k: self.by_unit(of(k, batch)) for k, batch in self.episodes.items()}

    def by_unit(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average losses per episode (n,) over each unit."""
        return np.bincount(self.units, weights=losses) / np.bincount(self.units)


def held_out(spec: MetaTraining, tasks: Collected, network: Network, n_drawn: int) -> HeldOut:
    """Draw the episodes of the gate, at each number of shots trained with.

    A recorded task is one episode. Where classes are drawn, episodes of the same classes say the same
    again: the unit is a group of classes that no other has, and an episode has as many of the trained
    number of classes as leave the gate its least number of groups.

    The same tasks give the same episodes, so that weights are compared on the same rows.

    Args:
        spec: Of the command.
        tasks: At least one held out.
        network: To be judged.
        n_drawn: Episodes, at least, where classes are drawn.

    Raises:
        TaskMalformed: A task does not fit, or there are not two classes.
    """
    asked, shots = spec.episodes, sorted(set(spec.episodes.shots))
    if asked.ways:
        pool = EpisodeSampler(tasks.held_out, 2, n_queries=asked.queries, max_shots=min(shots))
        drawn = {k: pool.disjoint(np.random.default_rng(_SEED), asked.ways, MIN_TASKS, n_drawn, k) for k in shots}
        units = drawn[shots[0]][1]
        return HeldOut({k: batch for k, (batch, _) in drawn.items()}, units, "held-out groups of classes")
    recorded = TaskSampler(tasks.held_out, network.backbone.n_inputs, network.n_outputs)
    units = np.arange(len(recorded))
    episodes = {k: recorded.shots(np.random.default_rng(_SEED), units, k) for k in shots}
    return HeldOut(episodes, units, "held-out tasks")


def training_episodes(spec: MetaTraining, tasks: Collected, network: Network) -> dict[int, Batch]:
    """Draw some episodes of training tasks at each number of shots, on the CPU, to tune trivial predictors on.

    Args:
        spec: Of the command.
        tasks: At least one to train on.
        network: Whose inputs and outputs they must fit.
    """
    asked, shots = spec.episodes, sorted(set(spec.episodes.shots))
    if asked.ways:
        pool = EpisodeSampler(tasks.train, asked.ways, n_queries=asked.queries, max_shots=max(shots))
        return {k: pool.draw(np.random.default_rng(_SEED), _N_TRAINING, k) for k in shots}
    recorded = TaskSampler(tasks.train, network.backbone.n_inputs, network.n_outputs)
    return {k: recorded.draw(np.random.default_rng(_SEED), _N_TRAINING, k) for k in shots}
