"""The sample package, installed as pip would have done it: into a folder, with its metadata."""

import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

SAMPLE: Final = Path(__file__).parent / "sample_package"


def install(folder: Path) -> Path:
    """Put the package and its `.dist-info` into a folder that is to be in the path.

    Args:
        folder: Made if needed.

    Returns:
        The folder.
    """
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(SAMPLE / "served_rows", folder / "served_rows", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = folder / f"served_rows-{project['version']}.dist-info"
    metadata.mkdir()
    lines = ("Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}", "")
    (metadata / "METADATA").write_text("\n".join(lines), "utf-8")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups), "utf-8")
    return folder


@contextmanager
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package in the path of this process, which forgets it afterwards."""
    monkeypatch.syspath_prepend(str(install(folder)))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "served_rows"]:
        del sys.modules[name]
