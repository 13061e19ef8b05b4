"""A first step size at which nothing explodes."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.meta.algorithms import Rule
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.meta_parameters import INITIAL_LR, random_init
from homeostat.services.maml_trainer.meta.network import Network

_SMALLER: Final = 1 / 3
_LEAST: Final = 1e-6
_WORSE: Final = 2.0
"""Adaptation to one row may cost something; an explosion costs more."""


def first_rate(network: Network, seed: int, rule: Rule, episodes: Mapping[int, Batch]) -> float:
    """Choose the largest of .1, .033, … at which a fresh start survives its first adaptations.

    A step size that fits inputs of size 1 makes gradient descent diverge on larger ones.

    Args:
        network: To be trained.
        seed: Of the run.
        rule: How it adapts.
        episodes: Of training tasks, by number of shots.
    """
    rate = INITIAL_LR
    if rule.is_closed_form:
        return rate
    start = random_init(network, seed, rule=rule, rate=rate)
    as_it_is = np.concatenate([few_shot(start, part, steps=0).losses for part in episodes.values()])
    while rate > _LEAST:
        adapted = np.concatenate([few_shot(start, part).losses for part in episodes.values()])
        if np.isfinite(adapted).all() and adapted.mean() <= _WORSE * as_it_is.mean():
            break
        rate *= _SMALLER
        start = random_init(network, seed, rule=rule, rate=rate)
    return rate
