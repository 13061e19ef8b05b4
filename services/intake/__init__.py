"""The doors: what comes from outside is checked, deduplicated, joined and passed on with its provenance, or refused."""
