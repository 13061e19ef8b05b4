"""Monitors of rows and labels: bets against what was normal, bucket means, missing values, blindness."""
