"""`homeostat evaluate`, without the data."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat.cli.app import app
from homeostat.evaluation.catalogue import TASKS

runner = CliRunner()


def test_an_unknown_task_is_answered_with_those_there_are() -> None:
    """The message names every task."""
    result = runner.invoke(app, ["evaluate", "thresolds"], env={"COLUMNS": "200"})

    assert result.exit_code == 2
    assert all(task.name in result.output for task in TASKS)


@pytest.mark.parametrize("task", [task.name for task in TASKS if task.data])
def test_a_task_on_data_asks_for_the_folder(task: str, tmp_path: Path) -> None:
    """Without --data, or with a folder that has no such set, it says what to do and ends with 2."""
    without = runner.invoke(app, ["evaluate", task], env={"COLUMNS": "200"})
    empty = runner.invoke(app, ["evaluate", task, "--data", str(tmp_path)], env={"COLUMNS": "200"})

    assert (without.exit_code, empty.exit_code) == (2, 2)
    assert "--data" in without.output
    assert "--data" in empty.output
