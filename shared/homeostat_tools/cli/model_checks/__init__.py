"""What `homeostat check` looks at: whether everything is there that the adaptation of one model needs."""

from homeostat_tools.cli.model_checks.looking import Model
from homeostat_tools.cli.model_checks.registry import examine

__all__ = ["Model", "examine"]
