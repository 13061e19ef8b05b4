"""Served rows of the champion: who answers, buckets of rows, clocks, quality, histograms."""
