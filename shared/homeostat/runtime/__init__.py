"""Shells that run folds and hands: in memory, for replay, and on Kafka."""
