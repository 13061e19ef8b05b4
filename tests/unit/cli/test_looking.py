"""Publishing and looking: what goes in is seen, filtered, and in the story of what it led to."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.cli.exports import read_export
from homeostat.cli.typelogs import LOGS_OF
from homeostat.events.logs import LOGS, TELEMETRY
from homeostat.stack.process import ProcessStatus, State
from homeostat.stack.report import write_report

SIGNAL = '{"layer": "edge", "name": "t", "value": 3}'


def test_a_published_event_is_seen_where_it_went(governed: System) -> None:
    """From the door through intake to the timeline, as one story."""
    identity = governed("publish", "signal.observed", "team/m", SIGNAL).strip()

    (seen,) = governed.json("tail", "timeline", "--type", "signal.*", "--subject", "team")
    assert seen["cause"] == identity
    assert seen["data"]["value"] == 3.0
    (story,) = governed.json("story", identity[-10:])
    assert story["events"] == 2
    assert story["tree"][0]["led_to"][0]["type"] == "homeostat.signal.observed.v1"


def test_lines_of_json_are_published_from_a_file_or_stdin(governed: System, tmp_path: Path) -> None:
    """One event a line; empty lines are skipped."""
    line = json.dumps({"type": "signal.observed", "subject": "team/m", "data": json.loads(SIGNAL)})
    (tmp_path / "events.jsonl").write_text(f"{line}\n\n{line}\n")

    governed("publish", str(tmp_path / "events.jsonl"))
    governed("publish", "-", stdin=f"{line}\n")

    assert len(governed.json("tail", "timeline", "-t", "signal.observed")) == 3


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("publish", "signal.observed", "team/m", "{"), 2, "not JSON"),
        (("publish", "signal.observed", "team/m", '{"layer": "edge"}'), 2, "name: Field required"),
        (("publish", "signal.seen", "team/m", "{}"), 2, "topics --types"),
        (("publish", "verdict.given", "team", "{}", "--unchecked"), 2, "no door takes it"),
        (("publish", "nothing.jsonl"), 3, "homeostat publish TYPE SUBJECT"),
        (("tail", "nowhere"), 2, "the logs are telemetry"),
        (("tail", "--since", "yesterday"), 2, "10m, 2h"),
        (("story", "no-such-id"), 3, "no event ends in"),
        (("why", "team/unknown"), 3, "not registered"),
        (("quarantine", "show", "x"), 3, "quarantine list"),
        (("freeze", "team", "--key", "nobody"), 3, "no key at"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(system: System, args: tuple[str, ...], code: int, says: str) -> None:
    """On stderr, with the documented exit code, without a traceback."""
    system(*args, code=code)

    assert says in system.stderr
    assert "Traceback" not in system.stderr
    assert system.stdout == ""


def test_the_newest_are_shown_oldest_first(governed: System) -> None:
    """`--limit` takes from the end."""
    for value in range(5):
        governed.log.now += 1
        governed("publish", "signal.observed", "team/m", SIGNAL.replace("3", str(value)))

    values = [event["data"]["value"] for event in governed.json("tail", "telemetry", "-n", "2")]

    assert values == [3.0, 4.0]


def test_a_record_that_cannot_be_read_is_shown_as_such(governed: System) -> None:
    """Tail shows the reason and goes on."""
    governed("publish", "signal.observed", "team/m", '{"layer": "moon"}', "--unchecked")

    (seen,) = governed.json("tail", "telemetry", "-n", "1")

    assert "payload_invalid" in seen["error"]
    assert "payload_invalid" in governed("tail", "telemetry", "-n", "1")


def test_topics_lists_every_log_with_its_records(governed: System) -> None:
    """All of the catalogue, in numbers."""
    rows = {row["log"]: row for row in governed.json("topics")}

    assert set(rows) == {log.name for log in LOGS}
    assert rows[TELEMETRY]["records"] == 1
    assert TELEMETRY in governed("topics")


def test_every_type_has_a_log() -> None:
    """The table of types and logs has no hole."""
    assert [type_ for type_, logs in LOGS_OF.items() if not logs] == []


def test_quarantine_keeps_shows_and_returns(governed: System) -> None:
    """What was refused is listed with its reason, and goes back verbatim with one more attempt."""
    governed("publish", "signal.observed", "team/late", SIGNAL)
    (row,) = governed.json("quarantine", "list", "--why", "model_unregistered")
    assert "quarantine" not in row["from"]
    (shown,) = governed.json("quarantine", "show", row["id"])
    assert json.loads(shown["value"])["name"] == "t"

    governed("quarantine", "replay", row["id"], "--dry-run")
    assert len(governed.json("quarantine", "list")) == 1
    governed("quarantine", "replay", row["id"])
    assert [again["attempts"] for again in governed.json("quarantine", "list")] == [0, 1]

    governed.register("team/late")
    governed("quarantine", "replay", "--model", "team/late")
    assert governed.json("tail", "timeline", "-s", "team/late", "-t", "signal.observed")
    governed("quarantine", "replay", code=2)


def test_an_export_is_the_log(governed: System, tmp_path: Path) -> None:
    """Every record, verbatim."""
    governed("publish", "signal.observed", "team/m", SIGNAL)
    governed("export", "telemetry", str(tmp_path / "t.jsonl.gz"))

    assert list(read_export(tmp_path / "t.jsonl.gz")) == list(governed.log.all(TELEMETRY))
    with gzip.open(tmp_path / "t.jsonl.gz", "rt") as file:
        assert len(file.readlines()) == 2


def test_every_decision_is_derived_again(governed: System) -> None:
    """Replay finds all outputs of intake and governor equal, and a changed one different."""
    governed.propose()
    governed("publish", "signal.observed", "team/late", SIGNAL)

    rows = [governed.json("replay", fold)[0] for fold in ("intake.telemetry", "intake.requests", "governor")]

    assert all(row["equal"] == row["outputs"] > 0 and row["different"] == 0 for row in rows[:1])
    assert all(row["different"] == 0 for row in rows)

    partition = next(p for p in range(2) if governed.log.records("homeostat.verdicts", p))
    del governed.log._topics["homeostat.verdicts"][partition][0]
    (row,) = governed.json("replay", "governor", code=6)
    assert row["different"] == 1


def test_help_is_fast_because_it_imports_nothing_heavy() -> None:
    """No broker library, no numbers, no models before a command runs."""
    code = (
        "import sys, homeostat.cli.app; "
        "print([m for m in ('confluent_kafka', 'numpy', 'pydantic', 'homeostat.client') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )

    assert out.stdout.strip() == "[]"


def processes(system: System, state: State, last_exit: int | None) -> None:
    """Say, as a supervisor that lives, that a process is in a state; its log ends with a reason."""
    status = ProcessStatus("deciders", None, state, 1, 0.0, last_exit)
    write_report(system.folder / "processes.json", [status])
    (system.folder / "logs").mkdir()
    (system.folder / "logs" / "deciders.log").write_text("started\nversion a stopped in mid-work\n\n")


@pytest.mark.parametrize(
    ("state", "last_exit", "is_ok", "says"),
    [
        ("running", 1, True, "none has halted"),
        ("backoff", 70, False, "halted, for a person to act: version a stopped in mid-work"),
        ("crash_loop", -9, False, "ended with -9: version a stopped in mid-work"),
    ],
)
def test_doctor_names_what_has_halted(
    system: System, monkeypatch: pytest.MonkeyPatch, state: State, last_exit: int, *, is_ok: bool, says: str
) -> None:
    """With the last line of its log, which says what to do."""
    monkeypatch.setattr("homeostat.cli.stack._broker_checks", lambda _: [])
    processes(system, state, last_exit)

    checks = json.loads(system("doctor", "--json", code=0 if is_ok else 1))

    (found,) = [check for check in checks if check["check"].startswith("process")]
    assert found["ok"] is is_ok
    assert says in found["detail"]


def test_help_documents_the_exit_codes(system: System) -> None:
    """0 to 6, in the help of the command."""
    text = " ".join(system("--help").split())

    assert "0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 pending, 6 verification failed" in text
