"""Decides what is allowed: rules, budgets, freezes, approvals; the only writer of policies."""
