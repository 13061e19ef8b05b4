"""Chance of a yes: shared weights, with corrections per task and per configuration as strong as each has earned."""

from dataclasses import dataclass, field
from typing import Final

from homeostat.stats.logistic import BayesianLogistic, averaged
from homeostat.stats.portable import FloatArray

_N_GROUPS: Final = 256
"""Corrections kept per level; the longest silent leave."""
_EVERY_SD: Final = 1.0
_CONFIGURATION_SD: Final = 1.0
_TASK_SD: Final = 0.3
"""Of each weight. Data sets differ less in how curves go on than learners do."""


@dataclass(slots=True)
class MultilevelLogistic:
    """Log-odds = x·w + z·(correction of the configuration) + u·(correction of the task).

    All levels learn from the surprise at their sum, so what one explains the others need not. A group never seen adds
    nothing but doubt.

    Source: Gelman and Hill 2007, chapter 14 (multilevel logistic regression), fitted in one pass.

    Args:
        every: Weights that all share.
        configurations: Corrections by configuration, the longest silent first.
        tasks: Corrections by task, likewise.
    """

    every: BayesianLogistic
    configurations: dict[str, BayesianLogistic] = field(default_factory=dict)
    tasks: dict[str, BayesianLogistic] = field(default_factory=dict)

    @classmethod
    def initial(cls, size: int) -> "MultilevelLogistic":
        """Return the state before any outcome, with `size` shared features."""
        return cls(BayesianLogistic.prior(size, sd=_EVERY_SD))

    def predict(self, configuration: str, task: str, x: FloatArray, z: FloatArray, u: FloatArray) -> float:
        """Return the probability, averaged over what is not known.

        Args:
            configuration: Name of the configuration.
            task: Name of the task.
            x: Shared features.
            z: Features that a configuration's correction is linear in.
            u: Features that a task's correction is linear in.
        """
        levels = (
            (self.every, x),
            (self.configurations.get(configuration) or BayesianLogistic.prior(z.size, sd=_CONFIGURATION_SD), z),
            (self.tasks.get(task) or BayesianLogistic.prior(u.size, sd=_TASK_SD), u),
        )
        moments = [level.moments(features) for level, features in levels]
        return averaged(moments[0][0] + moments[1][0] + moments[2][0], moments[0][1] + moments[1][1] + moments[2][1])

    def update(self, configuration: str, task: str, x: FloatArray, z: FloatArray, u: FloatArray, is_yes: bool) -> None:
        """Learn from an outcome; arguments as in `predict`.

        Args:
            configuration: Its name.
            task: Data set.
            x: Shared features.
            z: Features of the configuration.
            u: Features of the task.
            is_yes: Outcome.
        """
        levels = (
            (self.every, x),
            (_group(self.configurations, configuration, z.size, _CONFIGURATION_SD), z),
            (_group(self.tasks, task, u.size, _TASK_SD), u),
        )
        parts = [level.logit(features) for level, features in levels]
        total = parts[0] + parts[1] + parts[2]
        for (level, features), part in zip(levels, parts, strict=True):
            level.observe(features, is_yes, offset=total - part)


def _group(groups: dict[str, BayesianLogistic], name: str, size: int, sd: float) -> BayesianLogistic:
    """Return a group's correction, a new one if need be; it is the latest to have spoken."""
    group = groups.pop(name, None) or BayesianLogistic.prior(size, sd=sd)
    groups[name] = group
    if len(groups) > _N_GROUPS:
        del groups[next(iter(groups))]
    return group
