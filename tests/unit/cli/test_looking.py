"""Publishing and looking: what goes in is seen, filtered, and in the story of what it led to."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.broker_disk import disk
from tests.unit.cli.system import System

from homeostat.core.identity import emit_id
from homeostat.events import DriftDetected, Range
from homeostat.events.logs import EXPERIENCE, LOGS, TELEMETRY
from homeostat.events.routes import TOPICS_OF
from homeostat_tools.cli.exports import read_export

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
        (("budget", "team", "5", "--key", "nobody"), 3, "no key at"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(system: System, args: tuple[str, ...], code: int, says: str) -> None:
    """On stderr, with the documented exit code, without a traceback."""
    system(*args, code=code)

    assert says in system.stderr
    assert "Traceback" not in system.stderr
    assert system.stdout == ""


def said_about(governed: System) -> None:
    """A drift, a proposal and its verdict, of two models of one family."""
    window = Range(log="l", subject="team/m", source="/s", first="1.0", last="2.0", from_time=0, rows=1)
    governed.register("team/n")
    for number, model in enumerate(("team/m", "team/n"), 1):
        drift = DriftDetected(
            model=model,
            version="v1",
            kind="concept",
            detector="adwin",
            statistic=1,
            threshold=1,
            magnitude=1,
            onset=window,
        )
        governed.log.publish(EXPERIENCE, "team/f", drift, id_=emit_id(number), source="/homeostat/drift_detector/x")
        governed.propose(model, number)


def test_a_model_means_all_that_is_about_it(governed: System) -> None:
    """Drifts, proposals and verdicts lie under the keys of its family and scope; those of its sisters do not come."""
    said_about(governed)
    governed("freeze", "team/m")

    found = governed.json("tail", "-s", "team/m", "-n", "100")

    types = {event["type"].removeprefix("homeostat.") for event in found}
    wanted = {"drift.detected.v1", "action.proposed.v1", "verdict.given.v1", "model.registered.v1", "freeze.set.v1"}
    assert wanted <= types
    assert all("team/n" not in json.dumps(event["data"]) for event in found)
    assert {event["subject"] for event in found} >= {"team/m", "team/f", "team"}
    pattern = governed.json("tail", "-s", "team/*", "-n", "100", "-t", "drift.detected")
    assert {event["data"]["model"] for event in pattern} == {"team/m", "team/n"}


@pytest.mark.parametrize("type_", ["drift.detected", "drift.detected.v1", "homeostat.drift.detected.v1", "drift.*"])
def test_a_type_is_known_by_each_of_its_names(governed: System, type_: str) -> None:
    """Short, with its version, or whole, as the documents write it."""
    said_about(governed)

    assert len(governed.json("tail", "-t", type_)) == 2


def test_a_type_that_there_is_not_is_named(governed: System) -> None:
    """Instead of nothing."""
    governed("tail", "-t", "drift.seen")

    assert "no event type is drift.seen" in governed.stderr


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
    assert [type_ for type_, logs in TOPICS_OF.items() if not logs] == []


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
    del disk(governed.log, "homeostat.verdicts")[partition][0]
    (row,) = governed.json("replay", "governor", code=6)
    assert row["different"] == 1


def test_help_is_fast_because_it_imports_nothing_heavy() -> None:
    """No broker library, no numbers, no models before a command runs."""
    code = (
        "import sys, homeostat_tools.cli.app; "
        "print([m for m in ('confluent_kafka', 'numpy', 'pydantic', 'homeostat.client') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )

    assert out.stdout.strip() == "[]"


def test_help_documents_the_exit_codes(system: System) -> None:
    """0 to 6, in the help of the command."""
    text = " ".join(system("--help").split())

    assert "0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 pending, 6 verification failed" in text
