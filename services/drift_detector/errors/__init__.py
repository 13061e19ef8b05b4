"""Labelled rows: their history, the level of errors, the detectors of a change, how labels usually come."""
