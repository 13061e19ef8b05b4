"""Tracks alert thresholds of a model's signals, each inside the band that is approved for it."""
