"""`homeostat evaluate`, without the data."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat_lab.evaluation import catalogue
from homeostat_lab.evaluation.catalogue import TASKS
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, missing_row
from homeostat_tools.cli.app import app

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


@dataclass(frozen=True)
class Made:
    """A task of the catalogue that gives a number, or fails."""

    name: str
    data: str = ""
    seeds: int = 1
    error: BaseException | None = None

    def run(self, job: Job) -> Result:
        """Give it."""
        if self.error is not None:
            raise self.error
        job.say("counting [all]")
        rows = [Row(self.name, "m", "s", OURS, 0.25, 0.2, 0.3, 9), missing_row(self.name, "m", "s", "rejected")]
        return Result(rows, [Plot("p", "x", "y", {"a": ([0, 1], [0, 1])})], ["rejected: not better [at all]"])


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Made, ...]:
    """Four tasks: one works, one fails, one has no data set, one works again."""
    made = (Made("one"), Made("two", error=RuntimeError("no luck")), Made("three", data="nowhere"), Made("four"))
    monkeypatch.setattr(catalogue, "TASKS", made)
    monkeypatch.chdir(tmp_path)
    return made


def test_a_task_that_fails_loses_no_other(tasks: tuple[Made, ...], tmp_path: Path) -> None:
    """One table, one page, one file with what was measured, a null where nothing was; it ends with 1 and says why."""
    rows = tmp_path / "rows.json"

    result = runner.invoke(
        app, ["evaluate", "all", "--data", str(tmp_path), "--json", str(rows)], env={"COLUMNS": "200"}
    )

    assert result.exit_code == 1
    assert "RuntimeError: no luck" in result.output
    assert "three: left out" in result.output
    assert "rejected: not better [at all]" in result.output
    assert result.stdout.count("┏") == 1
    written = json.loads(rows.read_text())
    assert [(row["task"], row["method"], row["value"], row["n"]) for row in written] == [
        ("one", OURS, 0.25, 9),
        ("one", "rejected", None, 0),
        ("two", OURS, None, 0),
        ("four", OURS, 0.25, 9),
        ("four", "rejected", None, 0),
    ]
    page = (tmp_path / "evaluation.html").read_text("utf-8")
    assert all(f"<h2 id='{task.name}'>" in page for task in tasks)
    assert "failed: RuntimeError: no luck" in page


def test_rows_are_written_after_each_task(
    tasks: tuple[Made, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run that is broken off in the second task has told of the first."""
    broken = (tasks[0], Made("two", error=KeyboardInterrupt()))
    monkeypatch.setattr(catalogue, "TASKS", broken)
    rows = tmp_path / "rows.json"

    runner.invoke(app, ["evaluate", "all", "--json", str(rows)])

    assert {row["task"] for row in json.loads(rows.read_text())} == {"one"}


def test_one_task_writes_no_page_unless_told(tasks: tuple[Made, ...], tmp_path: Path) -> None:
    """And ends with 0 where all is well."""
    quiet = runner.invoke(app, ["evaluate", "one"])
    told = runner.invoke(app, ["evaluate", "one", "--html", str(tmp_path / "made" / "page.html")])

    assert (quiet.exit_code, told.exit_code) == (0, 0)
    assert [path.name for path in tmp_path.rglob("*.html")] == ["page.html"]
