"""Recorded tasks, and the episodes that are drawn from them."""
