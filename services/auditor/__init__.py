"""Writes and signs proofs: digests of every log, chained, under signed checkpoints."""
