"""Which tensors of a network are trained, and which are only used."""

from homeostat.services.maml_trainer.backbones import Params
from homeostat.services.maml_trainer.meta.network import Network


def trainable(network: Network, params: Params) -> Params:
    """Return the tensors that training may change."""
    return {name: value for name, value in params.items() if name not in network.backbone.frozen}


def constants(network: Network, params: Params) -> Params:
    """Return the others: parameters that require no gradient, and buffers."""
    return {name: value for name, value in params.items() if name in network.backbone.frozen}
