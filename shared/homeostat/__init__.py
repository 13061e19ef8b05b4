"""Homeostat: a system that learns how its models should learn, and can prove every step."""
