"""Alert thresholds on named signals, one per series, tracked inside the band that is approved for it.

Two operating points. `rate`: the signal is above the threshold at a stated rate, whatever it does. `page`: rarely,
early and precisely, on what is surprising against the signal's own past.
"""

from homeostat.services.drift_detector.signals.placed import Placed
from homeostat.services.drift_detector.signals.settings import SignalSettings
from homeostat.services.drift_detector.signals.tracker import Tracker, approve
from homeostat.services.drift_detector.signals.tracking import UNCERTAINTY, observe

__all__ = [
    "UNCERTAINTY",
    "Placed",
    "SignalSettings",
    "Tracker",
    "approve",
    "observe",
]
