"""Answers to training jobs: which configuration to run next, whether more rows pay, how long a run takes."""

from homeostat.services.meta_learner.advice.desk import Advice, answer, forget, learn, restore

__all__ = ["Advice", "answer", "forget", "learn", "restore"]
