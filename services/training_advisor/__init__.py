"""Answers training jobs: which configuration to run next, whether more rows pay, how long a run takes."""

from homeostat.services.training_advisor.fold import TrainingAdvisor
from homeostat.services.training_advisor.settings import AdvisorSettings

__all__ = ["AdvisorSettings", "TrainingAdvisor"]
