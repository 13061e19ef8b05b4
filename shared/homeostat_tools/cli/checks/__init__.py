"""What `homeostat doctor` looks at: small functions, one per thing. To add one, write it and list it in `registry`."""

from homeostat_tools.cli.checks.check import Check, Context, Finder, fail, ok, warn
from homeostat_tools.cli.checks.registry import examine

__all__ = ["Check", "Context", "Finder", "examine", "fail", "ok", "warn"]
