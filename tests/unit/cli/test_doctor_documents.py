"""What doctor advises exists, and its document names its checks."""

import re
from pathlib import Path
from typing import Any

import typer

from homeostat_tools.cli.app import app
from homeostat_tools.cli.checks import registry

COMMANDS = typer.main.get_command(app)


def test_the_commands_that_mend_exist() -> None:
    """In every check, and with the options they name."""
    text = "".join(path.read_text("utf-8") for path in sorted(Path(registry.__file__).parent.glob("*.py")))
    named = re.findall(r"homeostat ([a-z-]+)(?: ([a-z-]+))?", text)

    commands: Any = COMMANDS
    for first, second in named:
        children = getattr(commands.commands.get(first), "commands", {})
        assert first in commands.commands, first
        assert not children or second in children, (first, second)
    assert len(named) > 15


def test_the_document_of_mistakes_names_the_checks() -> None:
    """Those that there are, and every warning about what people regret."""
    document = (Path(__file__).parents[3] / "docs" / "mistakes.md").read_text("utf-8")
    named = set(re.findall(r"\*([a-z ]+)\*(?!\*)", document))
    folder = Path(registry.__file__).parent
    code = {path.stem: path.read_text("utf-8") for path in folder.glob("*.py")}

    there = set(re.findall(r'(?:warn|fail)\(\s*"([a-z ]+)"', "".join(code.values())))
    regretted_ones = set(re.findall(r'warn\(\s*"([a-z ]+)"', "".join(code[m] for m in ("law", "models", "dataset"))))
    assert named <= there, named - there
    assert regretted_ones <= named, regretted_ones - named
