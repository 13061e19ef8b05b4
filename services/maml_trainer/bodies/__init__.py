"""What turns rows into features: a multilayer perceptron, a small convolutional network, or a user's module."""

from maml_trainer.bodies.base import Body, Params
from maml_trainer.bodies.conv import Conv
from maml_trainer.bodies.mlp import Mlp
from maml_trainer.bodies.module import Module

__all__ = ["Body", "Conv", "Mlp", "Module", "Params"]
