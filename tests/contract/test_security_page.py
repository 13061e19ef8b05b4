"""The threat model names tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"(?:attacks|unit|integration|contract|e2e)/[\w/]+\.py", PAGE)))


def test_tests_are_named() -> None:
    """The page is read as it is written."""
    assert len(NAMED) > 15


@pytest.mark.parametrize("path", NAMED)
def test_a_named_test_is_there(path: str) -> None:
    """Who reads of a threat can run what shows that it is held."""
    assert "def test_" in (ROOT / "tests" / path).read_text("utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "attacks").glob("test_*.py")), ids=lambda path: path.name)
def test_every_attack_is_on_the_page(path: Path) -> None:
    """An attack that is played is a threat that is known."""
    assert f"attacks/{path.name}" in PAGE
