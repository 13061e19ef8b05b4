"""What is remembered of the thresholds of one model."""

from dataclasses import dataclass, field

from homeostat.services.threshold_tracker.thresholds import Thresholds
from homeostat.services.threshold_tracker.uncertainty import Uncertainty


@dataclass(slots=True)
class State:
    """State of one model.

    Args:
        thresholds: Of its signals, by approved band and by series.
        uncertainty: The signal that the rows of its champion make; it has values once the model is registered.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
