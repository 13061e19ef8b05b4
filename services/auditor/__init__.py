"""Writes and signs proofs: digests of every log, chained, under signed checkpoints."""

from homeostat.services.auditor.auditor import Auditor
from homeostat.services.auditor.chain import Chain, ChainBroken, CheckpointLost, checkpoint, extend, resume

__all__ = ["Auditor", "Chain", "ChainBroken", "CheckpointLost", "checkpoint", "extend", "resume"]
