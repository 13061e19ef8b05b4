"""`homeostat import`: the past through the door, marked, once, and whole."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.cli.system import System

from homeostat.codec import Output
from homeostat.events import EpisodeRecorded, Labels, ModelRegistered, Samples, SignalObserved
from homeostat.events.history import is_history
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, TELEMETRY, TIMELINE
from homeostat_tools.cli.exit_codes import Exit
from homeostat_tools.cli.rendering import event_of

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "adapters"
_OPTIONS: Final = ("-s", "team/m", "--family", "f", "--classes", "no,yes")


def _table(folder: Path, n: int = 30, *more: str) -> Path:
    """Rows of one model, a minute apart, with labels an hour later."""
    rows = [
        f"{1_700_000_000 + 60 * row},v1,r{row},{row % 5},{'yes' if row % 2 else 'no'},no,{1_700_003_600 + 60 * row}"
        for row in range(n)
    ]
    path = folder / "rows.csv"
    path.write_text("\n".join(["time,version,request,x,prediction,label,label_time", *rows, *more, ""]), "utf-8")
    return path


def _admitted(system: System, log: str = TIMELINE) -> list[Any]:
    return [event_of(record).data for record in system.logs.read([log])]


def _count(system: System, type_: type[Any]) -> int:
    return sum(data.n_rows for data in _admitted(system) if isinstance(data, type_))


def test_rows_and_labels_come_in_as_history(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is registered first, which is no history."""
    monkeypatch.chdir(tmp_path)

    (summary,) = system.json("import", "table", str(_table(tmp_path)), *_OPTIONS)

    assert (summary["rows_published"], summary["unreadable"], summary["known"]) == (60, 0, 0)
    assert (_count(system, Samples), _count(system, Labels)) == (30, 30)
    first, *rest = _admitted(system)
    assert isinstance(first, ModelRegistered)
    assert not is_history(first)
    assert all(map(is_history, rest))


def test_a_second_import_adds_nothing(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows in the table are added, and only these."""
    monkeypatch.chdir(tmp_path)
    system("import", "table", str(_table(tmp_path)), *_OPTIONS)
    n_sent = len([*system.logs.read([TELEMETRY])])

    system("import", "table", str(_table(tmp_path)), *_OPTIONS)
    assert len([*system.logs.read([TELEMETRY])]) == n_sent
    assert "0 events published" in system.stderr

    system("import", "table", str(_table(tmp_path, 32)), *_OPTIONS)
    assert (_count(system, Samples), _count(system, Labels)) == (32, 32)


def test_an_import_that_was_ended_goes_on(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two events; the second run sends the rest."""
    monkeypatch.chdir(tmp_path)
    path, send, sent = _table(tmp_path), system.logs.send, list[Output]()

    def until_ended(output: Output) -> None:
        if len(sent) == 20:
            raise KeyboardInterrupt
        sent.append(output)
        send(output)

    monkeypatch.setattr(system.logs, "send", until_ended)
    system("import", "table", str(path), *_OPTIONS, code=Exit.FAILED)
    assert "run it again" in system.stderr
    monkeypatch.setattr(system.logs, "send", send)

    (summary,) = system.json("import", "table", str(path), *_OPTIONS)

    assert summary["known"] == 20
    assert (_count(system, Samples), _count(system, Labels)) == (30, 30)


def test_a_dry_run_needs_no_broker_and_says_what_is_wrong(system: System, tmp_path: Path) -> None:
    """By row and column."""
    path = _table(tmp_path, 30, "soon,v1,r,1,no,no,", "1700009999,v1,s,1,maybe,no,")

    (summary,) = system.json("import", "table", str(path), *_OPTIONS, "--dry-run")

    assert (summary["unreadable"], summary["published"], summary["is_dry_run"]) == (2, 0, True)
    assert [row["rows"] for row in summary["read"]] == [30, 1, 30]
    assert "row 31, time: 'soon' is no time" in system.stderr
    assert [*system.logs.read([TELEMETRY])] == []


def test_what_cannot_be_read_is_kept(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, a line each."""
    monkeypatch.chdir(tmp_path)
    path = _table(tmp_path, 3, "soon,v1,r,1,no,no,")

    system("import", "table", str(path), *_OPTIONS)

    (line,) = (tmp_path / "rows.csv.unreadable.jsonl").read_text("utf-8").splitlines()
    kept = json.loads(line)
    assert (kept["place"], kept["field"], kept["content"]["request"]) == ("row 4", "time", "r")


def test_a_model_that_nobody_registered_is_asked_for(system: System, tmp_path: Path) -> None:
    """Rather than have every row refused."""
    system("import", "table", str(_table(tmp_path)), "-s", "team/m", "--classes", "no,yes", code=Exit.USAGE)

    assert "--family" in system.stderr


def test_a_registered_model_stays_as_it_is(governed: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The champion of the past does not come back."""
    monkeypatch.chdir(tmp_path)
    n_before = len([*governed.logs.read([GOVERNANCE])])

    (summary,) = governed.json("import", "table", str(_table(tmp_path)), *_OPTIONS, "--version", "v0")

    assert summary["known"] == 1
    assert len([*governed.logs.read([GOVERNANCE])]) == n_before


def test_the_champion_of_the_end_is_registered(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What served at first is not what serves now."""
    monkeypatch.chdir(tmp_path)
    path = _table(tmp_path, 3, "1700009999,v2,s,1,no,no,")

    system("import", "table", str(path), *_OPTIONS)

    (registered,) = [data for data in _admitted(system) if isinstance(data, ModelRegistered)]
    assert registered.champion == "v2"


def test_exports_of_other_tools_are_imported(governed: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals say when they were measured, deployments are left out, runs are learned from."""
    monkeypatch.chdir(tmp_path)

    governed("import", "prometheus", str(FIXTURES / "prometheus.json"), "-s", "team/m")
    governed("import", "argo-rollouts", str(FIXTURES / "argo_rollouts.json"), "-s", "team/m")
    assert "1 deployments left out" in governed.stderr
    governed("import", "mlflow", str(FIXTURES / "mlflow_runs.json"), "-s", "team/f")

    signals = [data for data in _admitted(governed) if isinstance(data, SignalObserved)]
    assert [signal.measured for signal in signals][:2] == [1_767_225_600_000, 1_767_225_600_781]
    assert len(signals) == 6
    assert [data.result for data in _admitted(governed, EXPERIENCE) if isinstance(data, EpisodeRecorded)] == [0.91]


def test_options_are_checked(system: System, tmp_path: Path) -> None:
    """One line each."""
    system("import", "oracle", "x", code=Exit.USAGE)
    assert "argo-rollouts" in system.stderr
    system("import", "table", "nowhere.csv", code=Exit.NOT_FOUND)
    system("import", "table", str(_table(tmp_path)), *_OPTIONS, "--column", "time", code=Exit.USAGE)
    assert "FIELD=COLUMN" in system.stderr
    system("import", "table", str(_table(tmp_path)), *_OPTIONS, "--column", "label=truth", code=Exit.USAGE)
    assert "it has time, version" in system.stderr
