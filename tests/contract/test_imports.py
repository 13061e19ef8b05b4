"""Who may import what: the contracts of pyproject.toml hold, and core needs nothing but Python."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "shared" / "homeostat" / "core"


def test_the_import_contracts_hold() -> None:
    """`lint-imports` says which are broken, and by which line."""
    command = Path(sys.executable).with_name("lint-imports")
    roots = str(ROOT / "shared")

    done = subprocess.run(
        [command, "--no-cache", "--no-logo"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def imported(path: Path) -> set[str]:
    """Top packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_core_needs_the_standard_library_only(path: Path) -> None:
    """And itself."""
    foreign = {name for name in imported(path) if not name.startswith("homeostat.core")}

    assert {name.partition(".")[0] for name in foreign} <= sys.stdlib_module_names
