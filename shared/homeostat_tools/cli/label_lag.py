"""How late the labels of a model come, and how late they may."""

from collections.abc import Mapping
from typing import Final

from homeostat.admission.limits import LABEL_WINDOW_SECONDS
from homeostat.events import IndicatorComputed, ModelRegistered
from homeostat_tools.cli.metadataset import LABEL_LAG

_MOST: Final = LABEL_LAG + "_max"
_NEAR: Final = 0.5
"""Share of the window from which a lag is worth a word."""


def label_lag(newest: Mapping[str, IndicatorComputed], registered: ModelRegistered) -> str:
    """Say in one line how late labels were lately, for how long answers wait for them, and what to do if that is near.

    Args:
        newest: Indicators of the model by name.
        registered: Its newest registration.
    """
    window = registered.label_window_seconds or LABEL_WINDOW_SECONDS
    waits = f"answers wait {_duration(window)} for them"
    if LABEL_LAG not in newest:
        return f"none of an earlier answer lately; {waits}"
    most = newest.get(_MOST, newest[LABEL_LAG]).value
    said = f"{_duration(newest[LABEL_LAG].value)} after the answer, {_duration(most)} at most; {waits}"
    return f"{said}: register a longer label_window_seconds" if most > _NEAR * window else said


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
