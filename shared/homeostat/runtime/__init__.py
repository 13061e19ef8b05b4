"""Shells that run folds and hands: in memory, for replay, and on Kafka."""

from homeostat.runtime.assignment import Assignment
from homeostat.runtime.errors import GapFound, TopicReplaced, VersionMismatch
from homeostat.runtime.hands import HandRunner
from homeostat.runtime.memory import MemoryHands, MemoryHost, MemoryLog, MemoryLoop
from homeostat.runtime.outbox import Outbox
from homeostat.runtime.replay import ReplayReport, compare, replay
from homeostat.runtime.version import version_of

__all__ = [
    "Assignment",
    "GapFound",
    "HandRunner",
    "MemoryHands",
    "MemoryHost",
    "MemoryLog",
    "MemoryLoop",
    "Outbox",
    "ReplayReport",
    "TopicReplaced",
    "VersionMismatch",
    "compare",
    "replay",
    "version_of",
]
