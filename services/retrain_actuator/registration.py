"""The hand that trains candidates."""

from typing import Final

from homeostat.events.logs import POLICY_RETRAIN
from homeostat.runtime.declarations import HandEntry

ENTRIES: Final = (
    HandEntry(
        name="retrain_actuator",
        make="homeostat.services.retrain_actuator.wiring:retrain_actuator",
        obeys=(POLICY_RETRAIN,),
        settings="homeostat.services.retrain_actuator.settings:RetrainActuatorSettings",
        rehearse="homeostat.services.retrain_actuator.wiring:rehearsed",
    ),
)
