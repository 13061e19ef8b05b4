"""The folds by name; what is wrong with a name is an error of usage."""

from typing import Any

from homeostat.admission.salt import NO_SALT, Salt
from homeostat.core import Fold
from homeostat.runtime import registry
from homeostat.runtime.declarations import FoldEntry
from homeostat_tools.cli.exit_codes import usage


def entry_of(name: str) -> FoldEntry:
    """Look a fold up.

    Raises:
        CommandFailed: There is none of this name.
    """
    folds = registry.folds()
    if name not in folds:
        raise usage(f"no fold {name!r}; the folds are {', '.join(folds)}, or all")
    return folds[name]


def fold_of(name: str, salt: Salt = NO_SALT) -> Fold[Any]:
    """Make a fold with the settings it is deployed with.

    Args:
        name: Of the fold.
        salt: Of the deployment; doors say by it what stands for personal data.

    Raises:
        CommandFailed: There is none of this name, or what it needs is not installed.
    """
    entry = entry_of(name)
    try:
        return registry.make_fold(entry, salt)
    except ModuleNotFoundError as missing:
        raise usage(f"{name}: {missing}; pip install '{entry.requirement}'") from None
