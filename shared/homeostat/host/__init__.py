"""Shells that run folds and hands: in memory, for replay, and on Kafka."""

from homeostat.host.assignment import Assignment
from homeostat.host.errors import GapFound, TopicReplaced, VersionMismatch
from homeostat.host.hands import HandRunner
from homeostat.host.memory import MemoryHands, MemoryHost, MemoryLog, MemoryLoop
from homeostat.host.outbox import Outbox
from homeostat.host.replay import ReplayReport, compare, replay
from homeostat.host.version import version_of

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
