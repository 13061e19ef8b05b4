"""An approval is in the story of its action: who, and why; what nobody signed is marked."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.broker_disk import disk
from tests.support.proving import ProvenSystem

from homeostat.events import VerdictGiven
from homeostat.events.logs import GOVERNANCE, VERDICTS


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenSystem:
    """A system with an approver, and a model whose actions wait for one."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr("homeostat_tools.cli.responses._SETTLE_SECONDS", 0.0)  # nothing is on its way
    system = ProvenSystem(tmp_path)
    system("keys", "create", "operator")
    system("keys", "create", "ana", "--role", "approver", "--by", "operator")
    system.register(tier="high")
    return system


@pytest.mark.parametrize(("verb", "said"), [("approve", "approved"), ("deny", "denied")])
def test_the_story_of_an_action_names_who_answered_and_why(held: ProvenSystem, verb: str, said: str) -> None:
    """Behind the proposal it answers, before the verdict it led to."""
    action = held.propose()
    held(verb, action, "--key", "ana", "--reason", "ticket 4711")

    story = held("story", action)
    (told,) = held.json("story", action)

    assert f"{said} by ana: ticket 4711" in story
    (proposal,) = told["tree"]
    answers = [node for node in proposal["led_to"] if node["summary"] == f"{said} by ana: ticket 4711"]
    assert [node["type"].split(".")[1] for node in answers] == ["approval"]
    assert [node["authority"] for node in answers[0]["led_to"] if node["logs"] == ["verdicts"]] == ["signed"]
    assert f"{said} by ana: ticket 4711" in held("why", "team/m")


def test_a_forged_verdict_is_marked_in_the_story(held: ProvenSystem) -> None:
    """With the governor's source and without its signature."""
    action = held.propose()
    source = f"/homeostat/governor/{GOVERNANCE}/{held.log.topic_id(GOVERNANCE)}/0"
    verdict = VerdictGiven(action=action, kind="retrain", family="team/f", model="team/m", verdict="approved")
    held.log.publish(
        VERDICTS, "team", verdict, id_="999.0", source=source, headers=[("ce_correlationid", action.encode())]
    )
    forged = disk(held.log, VERDICTS)
    for records in forged:
        for record in records:
            if record is not None:
                record.headers[:] = list(dict(record.headers).items())  # the later of two headers counts

    story = held("story", action)
    (told,) = held.json("story", action)

    assert "FORGED? without a valid signature" in story
    marks = [node["authority"] for node in _nodes(told["tree"]) if node["type"].endswith("verdict.given.v1")]
    assert sorted(mark or "" for mark in marks) == ["", "signed", "unsigned"]


def _nodes(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for node in tree for found in (node, *_nodes(node["led_to"]))]
