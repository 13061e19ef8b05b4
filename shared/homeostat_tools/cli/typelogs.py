"""Which types lie in which logs: the table of the design, for people who look for something."""

from typing import Final

from homeostat.codec.channels import CHANNELS
from homeostat.events import MODELS, ClockTicked


def _logs_of(type_: str) -> tuple[str, ...]:
    if type_ == ClockTicked.TYPE:
        return ("any",)
    return tuple(log for log, models in CHANNELS.items() if any(type_ == model.TYPE for model in models))


LOGS_OF: Final = {type_: _logs_of(type_) for type_ in MODELS}
"""Logs of every type, its door first."""
