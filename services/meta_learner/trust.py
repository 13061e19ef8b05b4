"""Whose word counts in a family: what a distrusted source has a part in is set aside, and comes back with its trust."""

from homeostat.core import Emit
from homeostat.services.meta_learner import knowledge, learning, weights
from homeostat.services.meta_learner.settings import LearnerSettings
from homeostat.services.meta_learner.state import State


def distrust(state: State, family: str, source: str, settings: LearnerSettings) -> tuple[Emit, ...]:
    """Set aside what a source taught, and the weights that were trained on its tasks.

    Returns:
        What is withdrawn; nothing for a source that is distrusted already.
    """
    if source in state.distrusted:
        return ()
    state.distrusted.append(source)
    learning.withdraw(state, source, settings)
    return weights.withdraw(state, family, source)


def trust(state: State, source: str) -> None:
    """Take back in what a source taught before it was distrusted."""
    if source not in state.distrusted:
        return
    state.distrusted.remove(source)
    learning.restore(state)
    weights.restore(state)


def revoke(state: State, key: str, settings: LearnerSettings) -> None:
    """Let what was signed with a key count as unsigned, if its holder has no other."""
    if (principal := state.seats.remove(key)) is not None:
        knowledge.unseat(state.knowledge, principal, settings)
