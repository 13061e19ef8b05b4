"""Decides what is allowed: rules, budgets, freezes, approvals; the only writer of policies."""

from governor.fold import Governor
from governor.settings import GovernorSettings

__all__ = ["Governor", "GovernorSettings"]
