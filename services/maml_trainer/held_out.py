"""What the gate judges on: episodes of held-out tasks, and which of them count as one observation."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.events import MetaTraining
from maml_trainer.batch import Batch
from maml_trainer.classes import ClassPool
from maml_trainer.gate import MIN_TASKS
from maml_trainer.history import Collected
from maml_trainer.network import Network
from maml_trainer.pool import TaskPool

_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Episodes and their units.

    Args:
        episodes: n of them; the first ones are of different units.
        units: Unit of each episode, from 0 (n,). Units share no row: the interval of the gate is over them.
        what: What a unit is, for people.
    """

    episodes: Batch
    units: NDArray[np.int64]
    what: str

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.units.max()) + 1

    def by_unit(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average losses per episode (n,) over each unit."""
        return np.bincount(self.units, weights=losses) / np.bincount(self.units)


def held_out(spec: MetaTraining, tasks: Collected, network: Network, n_drawn: int) -> HeldOut:
    """Draw the episodes of the gate, at the fewest shots trained with.

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
    asked, k = spec.episodes, min(spec.episodes.shots)
    generator = np.random.default_rng(_SEED)
    if asked.ways:
        pool = ClassPool(tasks.held_out, 2, n_queries=asked.queries, max_shots=k)
        return HeldOut(*pool.disjoint(generator, asked.ways, MIN_TASKS, n_drawn, k), "held-out groups of classes")
    recorded = TaskPool(tasks.held_out, network.body.n_inputs, network.n_outputs)
    units = np.arange(len(recorded))
    return HeldOut(recorded.shots(generator, units, k), units, "held-out tasks")
