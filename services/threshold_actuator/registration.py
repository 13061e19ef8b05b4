"""The hand that moves alert thresholds."""

from typing import Final

from homeostat.events.logs import POLICY_THRESHOLD
from homeostat.runtime.declarations import HandEntry

ENTRIES: Final = (
    HandEntry(
        name="threshold_actuator",
        make="homeostat.services.threshold_actuator.wiring:threshold_actuator",
        obeys=(POLICY_THRESHOLD,),
        settings="homeostat.services.threshold_actuator.settings:ThresholdActuatorSettings",
    ),
)
