"""The `homeostat` command."""

from homeostat_tools.cli.app import main

__all__ = ["main"]
