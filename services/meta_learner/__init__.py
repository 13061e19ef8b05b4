"""Learns which adaptation pays, and proposes it with alternatives, propensities and intervals."""

from homeostat.services.meta_learner.fold import MetaLearner
from homeostat.services.meta_learner.settings import LearnerSettings

__all__ = ["LearnerSettings", "MetaLearner"]
