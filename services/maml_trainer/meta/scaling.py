"""Targets are learned in standard units, and weights are published in their users'.

Step sizes, priors and first weights fit targets with a mean of 0 and a deviation of 1; whether a family counts in
metres or in millimetres must not matter. The last layer is linear, so the change of units is one of its tensors, of
the step sizes of the others, and of the prior: adaptation in either units is the same, step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.data.task_reader import Collected
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.algorithms import BIAS_VARIANCE, LR, NOISE, WEIGHT_VARIANCE
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters

_VARIANCES = (BIAS_VARIANCE, NOISE, WEIGHT_VARIANCE)


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Standard units: (target - mean) / deviation.

    Args:
        mean: Of the training tasks' targets.
        deviation: Of them, > 0; 1 where they are all the same.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Self:
        """Take the units from tasks; labels have none."""
        if tasks[0].is_classification:
            return cls()
        targets = np.concatenate([part for task in tasks for part in (task.support_y, task.query_y)]).astype(np.float64)
        return cls(float(targets.mean()), float(targets.std()) or 1.0)

    @property
    def facts(self) -> dict[str, str]:
        """For the provenance; nothing where nothing was scaled."""
        if self == TargetScale():
            return {}
        return {"target_mean": repr(self.mean), "target_deviation": repr(self.deviation)}

    def standard(self, tasks: Collected) -> Collected:
        """Return the tasks in standard units, float32."""
        if self == TargetScale():
            return tasks
        return replace(tasks, train=self._all(tasks.train), held_out=self._all(tasks.held_out))

    def _all(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        return tuple(
            replace(task, support_y=self._targets(task.support_y), query_y=self._targets(task.query_y))
            for task in tasks
        )

    def _targets(self, targets: NDArray[np.floating]) -> NDArray[np.float32]:
        return ((targets.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)

    def losses(self, standard: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn squared errors of standard targets into those of the users' units; other losses have none."""
        return standard * self.deviation**2

    def in_users_units(self, learned: MetaParameters) -> MetaParameters:
        """Return weights that predict, and adapt, in the users' units."""
        return _rescaled(learned, self.deviation, self.mean)

    def in_standard_units(self, learned: MetaParameters) -> MetaParameters:
        """The inverse of `in_users_units`, to rounding."""
        return _rescaled(learned, 1 / self.deviation, -self.mean / self.deviation)


def _rescaled(learned: MetaParameters, factor: float, offset: float) -> MetaParameters:
    """Let the outputs be `factor` times what they were, and `offset` more."""
    if (factor, offset) == (1.0, 0.0):
        return learned
    weight, bias = learned.network.head
    params: Params = dict(learned.params)
    params[weight] = (params[weight].double() * factor).to(params[weight].dtype)
    params[bias] = (params[bias].double() * factor + offset).to(params[bias].dtype)
    inner: Params = dict(learned.inner)
    for name, value in inner.items():
        if name in _VARIANCES:
            inner[name] = (value.double() * factor**2).to(value.dtype)
        elif name.startswith(LR) and name.removeprefix(LR) not in (weight, bias):
            # The loss grows by the square of the factor and so does its slope in these tensors; in the last layer,
            # which is itself larger by the factor, the two cancel out.
            inner[name] = (value.double() / factor**2).to(value.dtype)
    return replace(learned, params=params, inner=inner)
