"""What is judged and kept of a run: gate, weights, provenance, record."""
