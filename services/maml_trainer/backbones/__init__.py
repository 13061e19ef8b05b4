"""What turns rows into features: a multilayer perceptron, a small convolutional network, or a user's module."""

from homeostat.services.maml_trainer.backbones.base import Backbone, Params
from homeostat.services.maml_trainer.backbones.conv import Conv
from homeostat.services.maml_trainer.backbones.mlp import Mlp
from homeostat.services.maml_trainer.backbones.module import Module

__all__ = ["Backbone", "Conv", "Mlp", "Module", "Params"]
