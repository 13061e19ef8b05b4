"""What meta-training learns: a start for new models, and how to adapt from there."""

from dataclasses import dataclass
from typing import Final

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.meta.algorithms import Rule
from homeostat.services.maml_trainer.meta.network import Network

# Lowest held-out loss at k = 1 among .02, .05, .1, .2 and .5 on turned digits, 100 meta-steps, one seed.
INITIAL_LR: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MetaParameters:
    """A start for new models.

    Args:
        network: What the tensors are of.
        rule: How to adapt from here.
        params: Tensors of the network.
        inner: The rule's positive numbers: step sizes, or the prior of the last layer.
    """

    network: Network
    rule: Rule
    params: Params
    inner: Params


def random_init(network: Network, seed: int, *, rule: Rule | None = None, rate: float = INITIAL_LR) -> MetaParameters:
    """Make the start that knows nothing: a fresh draw, one step size for all tensors.

    Args:
        network: To draw.
        seed: Of the draw, >= 0.
        rule: How it adapts; None is MAML.
        rate: The step size, > 0.
    """
    params, rule = network.init(seed), rule or Rule("maml")
    return MetaParameters(network, rule, params, rule.initial(network, params, rate))
