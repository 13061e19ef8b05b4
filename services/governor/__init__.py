"""Decides what is allowed: rules, budgets, freezes, approvals; the only writer of policies."""

from homeostat.services.governor.fold import Governor
from homeostat.services.governor.settings import GovernorSettings

__all__ = ["Governor", "GovernorSettings"]
