"""Learns initial weights and inner step sizes from recorded tasks, and publishes them if held-out tasks agree."""
