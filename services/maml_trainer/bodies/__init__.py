"""What turns rows into features: a multilayer perceptron, a small convolutional network, or a user's module."""

from homeostat.services.maml_trainer.bodies.base import Body, Params
from homeostat.services.maml_trainer.bodies.conv import Conv
from homeostat.services.maml_trainer.bodies.mlp import Mlp
from homeostat.services.maml_trainer.bodies.module import Module

__all__ = ["Body", "Conv", "Mlp", "Module", "Params"]
