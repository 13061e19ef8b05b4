"""What new weights are held against, on the same held-out rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.held_out import HeldOut
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters, random_init
from homeostat.services.maml_trainer.meta.outer_loop import MetaConfig
from homeostat.services.maml_trainer.meta.scaling import TargetScale
from homeostat.services.maml_trainer.publish import trivial
from homeostat.services.maml_trainer.publish.gate import GateVerdict, judge
from homeostat.services.maml_trainer.publish.tracking import Run
from homeostat.services.maml_trainer.publish.tracking_runs import inner_runs

Losses = dict[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The gate with its references; episodes and weights in standard units, losses in the users'.

    Args:
        current: Weights in force, if any.
        config: Of the run, for its fresh start.
        units: Of the targets.
        gate: Held-out episodes.
        training: Episodes of training tasks, by number of shots.
    """

    current: MetaParameters | None
    config: MetaConfig
    units: TargetScale
    gate: HeldOut
    training: Mapping[int, Batch]

    def judge(self, published: MetaParameters) -> tuple[GateVerdict, dict[str, float]]:
        """Judge weights in the users' units.

        Returns:
            The verdict, and mean losses: of the weights under "", of each reference under its name.
        """
        new = self._losses(self.units.in_standard_units(published))
        config = self.config
        references = {
            "current": None if self.current is None else self._losses(self.current),
            "scratch": self._losses(random_init(config.network, config.seed, rule=config.rule, rate=config.rate)),
        }
        beaten = {str(name): self._trivial(name) for name in trivial.NAMES}
        verdict = judge(new, references["current"], scratch=references["scratch"], trivial=beaten)
        told = {"": new} | {name: losses for name, losses in (references | beaten).items() if losses is not None}
        return verdict, {name: float(np.mean(list(losses.values()))) for name, losses in told.items()}

    def inner_runs(self, published: MetaParameters, key: str) -> list[Run]:
        """Follow the first held-out episodes, of the fewest shots, through their inner steps."""
        learned = self.units.in_standard_units(published)
        return inner_runs(learned, next(iter(self.gate.episodes.values())), key, self.units.deviation**2)

    def _trivial(self, name: trivial.Name) -> Losses:
        def losses(k: int, judged: Batch) -> NDArray[np.float64]:
            return self.units.losses(trivial.losses(name, self.training[k], judged))

        return self.gate.losses(losses)

    def _losses(self, start: MetaParameters) -> Losses:
        return self.gate.losses(lambda _, batch: self.units.losses(few_shot(start, batch).losses))
