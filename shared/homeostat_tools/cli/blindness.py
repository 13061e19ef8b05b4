"""What of a model is not watched, as its detector says."""

from collections.abc import Mapping
from typing import Final

from homeostat.events import IndicatorComputed

IS_BLIND: Final = "is_blind"

CAUSES: Final[dict[str, str]] = {
    "no_features": "no feature is named in its registration and none is learned yet (from the first 100 rows that have "
    "any), so no input is watched: send features, or register it again with them",
    "nothing_watched": "none of its features can be watched: they do not come, are noise, or remember too much",
    "small_shift": "a shift of one deviation would not be found within 1,000 rows: fewer columns, or a lower "
    "detector.run_length",
}
"""Why a detector is blind, and what helps, by the cause in `is_blind.CAUSE`."""


def is_about_blindness(name: str) -> bool:
    """Say whether an indicator tells whether a detector is blind, or why."""
    return name == IS_BLIND or name.startswith(f"{IS_BLIND}.")


def why_blind(newest: Mapping[str, IndicatorComputed]) -> str:
    """Return why a detector is blind, one sentence; empty if it is not, or has not said so.

    Args:
        newest: Last indicators of the model, by name.
    """
    if IS_BLIND not in newest or not newest[IS_BLIND].value:
        return ""
    causes = [text for cause, text in CAUSES.items() if (told := newest.get(f"{IS_BLIND}.{cause}")) and told.value]
    return "; ".join(causes) or CAUSES["small_shift"]
