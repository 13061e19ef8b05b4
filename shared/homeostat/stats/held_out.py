"""Which decisions are held out: scored, and never learned from. Their identity decides, so anybody can tell."""

from typing import Final

from homeostat.stats.keyed_rng import Draws

HELD_OUT_SHARE: Final = 0.05
"""Of the decisions of a learner."""


def is_held_out(action: str, share: float = HELD_OUT_SHARE) -> bool:
    """Whether the decision of an action is held out.

    Args:
        action: Its identity.
        share: Of all decisions, in [0, 1].
    """
    return float(Draws(f"{action}|held out").uniform(1)[0]) < share
