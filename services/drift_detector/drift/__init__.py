"""Decisions: detections, profiles, clearances, evidence updates."""
