"""`homeostat adapt`: payloads of other tools as events, printed or published."""

from pathlib import Path
from typing import Final

from tests.unit.cli.system import System

from homeostat.events import SignalObserved
from homeostat.events.logs import TIMELINE
from homeostat_tools.cli.exit_codes import Exit
from homeostat_tools.cli.rendering import event_of

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "adapters"


def _signals(system: System) -> list[SignalObserved]:
    """What has come through the door."""
    data = [event_of(record).data for record in system.logs.read([TIMELINE])]
    return [one for one in data if isinstance(one, SignalObserved)]


def test_adapters_are_listed(system: System) -> None:
    """Without a name."""
    names = [row["name"] for row in system.json("adapt")]

    assert {"prometheus", "kserve", "mlflow-runs"} <= set(names)


def test_events_are_shown_and_nothing_is_sent(system: System) -> None:
    """Until one says so."""
    shown = system.json("adapt", "prometheus", str(FIXTURES / "prometheus.json"), "-s", "team/m")

    assert [event["data"]["value"] for event in shown] == [8123400192.0, 0.041, 0.044, 3.0]
    assert shown[1]["time"] == "2026-01-01T00:00:00.781Z"
    assert "--publish" in system.stderr
    assert _signals(system) == []


def test_what_is_published_twice_counts_once(governed: System) -> None:
    """Its ids are those of its content."""
    args = ("adapt", "github", str(FIXTURES / "github_workflow_run.json"), "-s", "team/m", "--publish")

    governed(*args)
    governed(*args)

    assert [signal.name for signal in _signals(governed)] == ["pipeline_success", "pipeline_duration_seconds"]


def test_a_payload_may_come_from_stdin(system: System) -> None:
    """As other commands print it."""
    body = (FIXTURES / "aws_lambda.txt").read_text("utf-8")

    assert "init_duration_seconds" in system("adapt", "aws-lambda", "-", "-s", "team/m", stdin=body)


def test_errors_say_what_to_do(system: System) -> None:
    """One line each."""
    system("adapt", "promethus", "x", "-s", "team/m", code=Exit.NOT_FOUND)
    assert "there are prometheus" in system.stderr
    system("adapt", "gitlab", str(FIXTURES / "github_workflow_run.json"), "-s", "team/m", code=Exit.USAGE)
    assert "object_kind: is missing" in system.stderr
    system("adapt", "gitlab", str(FIXTURES / "gitlab_pipeline.json"), code=Exit.USAGE)
    assert "--subject" in system.stderr
    system("adapt", "gitlab", "nowhere.json", "-s", "team/m", code=Exit.NOT_FOUND)
    system("adapt", "gitlab", str(FIXTURES / "gitlab_pipeline.json"), "-s", "team/m", "--layer", "sea", code=Exit.USAGE)
