"""`homeostat`: starts the command line, which is a distribution of its own; services and clients do without it."""

import importlib
import sys


def main() -> None:
    """Run the command line, or say how to install it."""
    try:
        cli = importlib.import_module("homeostat_tools.cli")
    except ModuleNotFoundError as missing:
        sys.exit(f"error: the command line needs {missing.name}: pip install homeostat-tools")
    cli.main()


if __name__ == "__main__":
    main()
