"""What a benchmark leaves out is said under its table, and lies in its file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeostat_lab.bench import Row
from homeostat_tools.cli.app import app


def test_what_is_not_counted_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once for each figure, with the spread of its runs."""
    rows = [Row("a", "s", 2.0, runs=3, low=1.0, high=4.0, excluded="the first batch"), Row("b", "s", 5.0)]
    monkeypatch.setattr("homeostat_lab.bench.run", lambda *_, **__: iter(rows))
    file = tmp_path / "rows.json"

    result = CliRunner().invoke(app, ["bench", "scale", "--json", str(file)])
    quick = CliRunner().invoke(app, ["bench", "scale", "--quick"])

    assert result.exit_code == 0, result.output
    assert "not counted in a: the first batch" in result.stdout
    assert "not counted in b" not in result.stdout
    written = json.loads(file.read_text())
    assert [(row["low"], row["high"], row["excluded"]) for row in written] == [
        (1.0, 4.0, "the first batch"),
        (None, None, ""),
    ]
    assert "small numbers" in quick.stdout
    assert "small numbers" not in result.stdout
