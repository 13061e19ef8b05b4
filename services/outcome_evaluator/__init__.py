"""Compares canaries and shadows with the champion, and measures what actions did."""
