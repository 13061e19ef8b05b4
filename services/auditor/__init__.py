"""Writes and signs proofs: digests of every log, chained, under signed checkpoints."""

from auditor.auditor import Auditor
from auditor.chain import Chain, ChainBroken, CheckpointLost, checkpoint, extend, resume

__all__ = ["Auditor", "Chain", "ChainBroken", "CheckpointLost", "checkpoint", "extend", "resume"]
