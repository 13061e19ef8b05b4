"""The hand that trains candidates."""

from typing import Final

from homeostat.events.logs import EXPERIENCE, POLICY_RETRAIN, TASKS, TIMELINE
from homeostat.runtime.declarations import HandEntry

ENTRIES: Final = (
    HandEntry(
        name="retrain_actuator",
        make="homeostat.services.retrain_actuator.wiring:retrain_actuator",
        obeys=(POLICY_RETRAIN,),
        reads=(TIMELINE, EXPERIENCE, TASKS),
        settings="homeostat.services.retrain_actuator.settings:RetrainActuatorSettings",
    ),
)
