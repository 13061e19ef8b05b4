"""Learns which adaptation pays, and proposes it with alternatives, propensities and intervals."""
