"""The hand that decides which versions serve: sets a target to the state of a rollout command."""

from homeostat.services.rollout_actuator.hand import RolloutActuator

__all__ = ["RolloutActuator"]
