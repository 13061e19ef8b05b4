"""The hand that decides which versions serve, and the model server as what it acts on."""

from typing import Final

from homeostat.events.logs import POLICY_ROLLOUT
from homeostat.runtime.declarations import HandEntry, TargetEntry

_MODULE: Final = "homeostat.services.rollout_actuator"

ENTRIES: Final = (
    HandEntry(
        name="rollout_actuator",
        make=f"{_MODULE}.wiring:rollout_actuator",
        obeys=(POLICY_ROLLOUT,),
        settings=f"{_MODULE}.settings:RolloutActuatorSettings",
        rehearse=f"{_MODULE}.wiring:rehearsed",
    ),
    TargetEntry(name="embedded", service="rollout_actuator", make=f"{_MODULE}.wiring:embedded_target"),
)
