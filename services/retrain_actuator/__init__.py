"""The hand that trains: every arm of a retrain command on one closed range of the timeline.

The hand is loaded when it is asked for: a recipe lies in this package, starts often, and does not
need it (140 ms instead of 300 ms a job).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeostat.services.retrain_actuator.hand import RetrainActuator

__all__ = ["RetrainActuator"]


def __getattr__(name: str) -> object:
    if name == "RetrainActuator":
        from homeostat.services.retrain_actuator.hand import RetrainActuator

        return RetrainActuator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
