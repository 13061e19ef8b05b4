"""Recipes that `homeostat apply` names are there at the next launch, and nobody else can name any."""

import sys
from pathlib import Path

import pytest

from homeostat.core import Reject
from homeostat.recipe_file import RECIPES_FILE, read_recipes, write_recipes
from homeostat.services.retrain_actuator.targets.base import RecipeUnknown
from homeostat.services.retrain_actuator.targets.subprocess import SubprocessLauncher


def test_a_recipe_is_known_as_soon_as_it_is_named(tmp_path: Path) -> None:
    """Without a restart; earlier ones stay."""
    launcher = SubprocessLauncher(lambda: read_recipes(tmp_path))
    with pytest.raises(RecipeUnknown):
        launcher.code("ranker")

    write_recipes(tmp_path / ".", {"ranker": [sys.executable, "-m", "json.tool", "{job}"]})
    write_recipes(tmp_path, {"other": ["other", "{job}"]})

    assert launcher.code("ranker")
    assert set(read_recipes(tmp_path)) == {"ranker", "other"}


@pytest.mark.parametrize(("content", "mode"), [("{}", 0o666), ("[1]", 0o600), ("{", 0o600)])
def test_a_file_that_cannot_be_believed_is_not(tmp_path: Path, content: str, mode: int) -> None:
    """Others may write to it, or it is none; a training then says so."""
    path = tmp_path / RECIPES_FILE
    path.write_text(content)
    path.chmod(mode)

    with pytest.raises(Reject, match="recipes_unusable"):
        read_recipes(tmp_path)
