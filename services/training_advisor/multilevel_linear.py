"""A linear model with corrections per configuration and per task, each as strong as it has earned."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from homeostat.stats.linear import BayesianLinear
from homeostat.stats.portable import FloatArray, fixed_dot

_N_GROUPS: Final = 256
"""Corrections kept per level; the longest silent leave."""
_USUAL_ERROR: Final = 0.5
"""What all share is not bent by the few that are far off: their errors count by size, not its square."""


@dataclass(slots=True)
class MultilevelLinear:
    """y = x·w + z·(correction of the task) + z·(correction of the configuration).

    A correction learns what the shared part and the other correction leave over, so that the order in which the
    configurations of a task are run does not matter to it; a group never seen adds nothing, and its first outcomes are
    shrunk towards that.

    Source: Gelman and Hill 2007, chapter 12 (partial pooling), fitted by backfitting in one pass.

    Args:
        every: Weights that all share.
        tasks: Corrections by task.
        configurations: Corrections by configuration.
        sd: Prior of a correction's weights.
        noise_sd: Of one outcome.
    """

    every: BayesianLinear
    sd: float
    noise_sd: float
    tasks: dict[str, BayesianLinear] = field(default_factory=dict)
    configurations: dict[str, BayesianLinear] = field(default_factory=dict)

    @classmethod
    def initial(cls, size: int, *, sd: float, noise_sd: float) -> "MultilevelLinear":
        """Return the state before any outcome of a model with `size` shared features.

        Args:
            size: Shared features, >= 1.
            sd: Of a task and of a configuration, beforehand.
            noise_sd: Of an outcome.
        """
        return cls(BayesianLinear.prior(np.zeros(size), sd=4.0 * sd, noise_sd=noise_sd), sd, noise_sd)

    def predict(self, task: str, configuration: str, x: FloatArray, z: FloatArray) -> float:
        """Return the expected y.

        Args:
            task: Name of the task.
            configuration: Name of the configuration.
            x: Shared features.
            z: Features that corrections are linear in, the first constant.
        """
        total = fixed_dot(x, self.every.mean)
        for group in (self.tasks.get(task), self.configurations.get(configuration)):
            if group is not None:
                total += fixed_dot(z, group.mean)
        return total

    def update(self, task: str, configuration: str, x: FloatArray, z: FloatArray, y: float) -> None:
        """Learn from an outcome; arguments as in `predict`.

        Args:
            task: Data set.
            configuration: Its name.
            x: Shared features.
            z: Features of the groups.
            y: Outcome.
        """
        error = y - fixed_dot(x, self.every.mean)
        of_task, of_configuration = self._group(self.tasks, task, z), self._group(self.configurations, configuration, z)
        left = error - fixed_dot(z, of_task.mean)
        of_task.observe(z, error - fixed_dot(z, of_configuration.mean))
        of_configuration.observe(z, left)
        self.every.observe(x, y, _USUAL_ERROR / max(_USUAL_ERROR, abs(error)))

    def _group(self, groups: dict[str, BayesianLinear], name: str, z: FloatArray) -> BayesianLinear:
        """Return a correction, which is now the last heard of."""
        group = groups.pop(name, None)
        if group is None:
            group = BayesianLinear.prior(np.zeros(z.size), sd=self.sd, noise_sd=self.noise_sd)
        groups[name] = group
        if len(groups) > _N_GROUPS:
            del groups[next(iter(groups))]
        return group
