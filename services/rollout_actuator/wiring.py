"""Puts the rollout actuator and its target together."""

from homeostat.core import Hand
from homeostat.runtime import registry
from homeostat.runtime.environment import settings_of_environment
from homeostat.runtime.process import Context
from homeostat.runtime.rehearsal import Rehearsal
from homeostat.services.rollout_actuator.hand import RolloutActuator
from homeostat.services.rollout_actuator.settings import RolloutActuatorSettings
from homeostat.services.rollout_actuator.targets.base import RolloutTarget
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget


def rollout_actuator(context: Context) -> Hand:
    """Wire the hand to the target that its settings name."""
    settings = settings_of_environment(RolloutActuatorSettings)
    target: RolloutTarget = registry.load(registry.target(settings.target).make)(context)
    return RolloutActuator(target, retry_timeout_seconds=settings.retry_timeout_seconds)


def rehearsed(rehearsal: Rehearsal) -> Hand:
    """Wire the hand to the target of a system in memory."""
    return RolloutActuator(rehearsal.target)


def embedded_target(context: Context) -> RolloutTarget:
    """Make the client of the embedded model server."""
    settings = settings_of_environment(RolloutActuatorSettings)
    token_file = settings.token_file or context.settings.token_file
    return EmbeddedTarget(settings.url, token_file=token_file, timeout_seconds=settings.timeout_seconds)
