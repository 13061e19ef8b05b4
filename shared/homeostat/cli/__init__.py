"""The `homeostat` command."""

from homeostat.cli.app import main

__all__ = ["main"]
