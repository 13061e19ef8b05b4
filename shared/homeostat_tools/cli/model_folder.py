"""The files of `homeostat new model`, made of the templates beside the command line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeostat_tools.cli.exit_codes import CommandFailed, Exit, usage
from homeostat_tools.cli.options import check_name

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_SUFFIX: Final = ".template"
_TOY_FILES: Final = {"http": " and `elsewhere.py`"}
_MOST_FEATURES: Final = 1000
_MARK: Final = re.compile(r"  #: (\w+)$")
"""A line that ends so is for one kind of model, or one way to make it, only."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        model: `scope/model`.
        like: What it is made with: sklearn, torch, xgboost, http.
        kind: classifier or regressor.
        features: Names of its inputs, in order.
    """

    model: str
    like: str
    kind: str
    features: tuple[str, ...]


def feature_names(text: str) -> tuple[str, ...]:
    """Read names that are separated by commas.

    Raises:
        CommandFailed: `USAGE`: one is not a name, or stands there twice.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        check_name(name)
    if not names or len(set(names)) < len(names) or len(names) > _MOST_FEATURES:
        raise usage(f"--features {text!r}: name each input once, at most {_MOST_FEATURES}, separated by commas")
    return names


def write(wanted: Wanted, folder: Path, *, force: bool) -> list[Path]:
    """Write the files of a model, all or none.

    Args:
        wanted: The model.
        folder: Made if it is not there.
        force: Overwrite files that are there.

    Returns:
        The files.

    Raises:
        CommandFailed: A file is there already, or the folder cannot be written.
    """
    files = {folder / name: _filled(wanted, folder, template) for name, template in _templates(wanted.like).items()}
    there = sorted(path.name for path in files if path.exists())
    if there and not force:
        raise CommandFailed(Exit.FAILED, f"{folder} has {', '.join(there)} already: --into another, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(Exit.FAILED, f"{folder} cannot be written: {error.strerror}; --into another") from None
    return list(files)


def _templates(like: str) -> dict[str, str]:
    """Name of the template by name of the file."""
    same = ("serve.py", "toy.py", "homeostat.toml", "README.md")
    names = {"recipe.py": f"recipe_{like}.py"} | {name: name for name in same}
    return names | ({"elsewhere.py": "elsewhere.py"} if like == "http" else {})


def _filled(wanted: Wanted, folder: Path, template: str) -> str:
    scope, _, name = wanted.model.partition("/")
    values = {
        "MODEL": wanted.model,
        "SCOPE": scope,
        "NAME": name,
        "FAMILY": f"{name}s",
        "RECIPE": name,
        "KIND": wanted.kind,
        "FOLDER": str(folder),
        "WIDTH": str(len(wanted.features)),
        "FEATURES": "\n".join(f'  {{ name = "{feature}" }},' for feature in wanted.features),
        "ELSEWHERE": _TOY_FILES.get(wanted.like, ""),
    }
    lines = (TEMPLATES / f"{template}{_SUFFIX}").read_text(encoding="utf-8").splitlines()
    kept = [_MARK.sub("", line) for line in lines if _is_for(line, wanted)]
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], "\n".join(kept)) + "\n"


def _is_for(line: str, wanted: Wanted) -> bool:
    mark = _MARK.search(line)
    return mark is None or mark[1] in (wanted.like, wanted.kind)
