"""What claims are measured with: the demo, the evaluations, the benchmarks. Not in the wheel."""
