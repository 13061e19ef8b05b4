"""Benchmarks: what the system does on this machine, beside references measured in the same run."""
