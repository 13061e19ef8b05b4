"""`homeostat story --follow`: what lies there in order, then what comes, until the action is settled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from tests.unit.cli.system import System

from homeostat.client.logs import Place
from homeostat.codec import Record
from homeostat.core.identity import emit_id
from homeostat.events import ActionSettled
from homeostat.events.logs import GOVERNANCE


class ScriptedFollower:
    """A follower before whose looks something happens; when nothing is left, Ctrl-C is pressed."""

    def __init__(self, follower: Any, script: list[Callable[[], object]]) -> None:
        self._follower, self._script = follower, script

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        if not self._script:
            raise KeyboardInterrupt
        self._script.pop(0)()
        found: Sequence[Record] = self._follower.poll(timeout_seconds)
        return found

    def close(self) -> None:
        self._follower.close()


@pytest.fixture
def script(governed: System, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens while a command follows, one thing before each look."""
    script, follow = list[Callable[[], object]](), governed.logs.follow

    def scripted(start: Mapping[Place, int]) -> ScriptedFollower:
        return ScriptedFollower(follow(start), script)

    monkeypatch.setattr(governed.logs, "follow", scripted)
    return script


def settle(system: System, action: str) -> None:
    """Say what the evaluator would."""
    data = ActionSettled(action=action, kind="retrain", model="team/m", state="promoted", gain=0.25)
    headers = [("ce_correlationid", action.encode()), ("ce_causationid", action.encode())]
    source = "/homeostat/outcome_evaluator/homeostat.timeline/id/0"
    system.log.publish(GOVERNANCE, "team", data, id_=emit_id(900), source=source, headers=headers)
    system.logs.flush()


@pytest.mark.parametrize("by_model", [False, True])
def test_it_prints_what_comes_and_ends_when_the_action_is_settled(
    governed: System, script: list[Callable[[], object]], by_model: bool
) -> None:
    """One object a line, each event once, the end last."""
    action = governed.propose()
    script += [lambda: None, lambda: settle(governed, action), lambda: None, lambda: None]

    *lines, end = governed.json("story", "team/m" if by_model else action, "--follow")

    types = [line["type"].removeprefix("homeostat.").rsplit(".v", 1)[0] for line in lines]
    assert types[0] == "action.proposed"
    assert types[-1] == "action.settled"
    assert len({line["identity"] for line in lines}) == len(lines) == end["events"]
    assert "verdict.given" in types
    assert (end["story"], end["is_over"], end["outcome"]) == (action, True, "action.settled: promoted, gain +0.25")
    assert script  # it ended by itself


def test_ctrl_c_ends_it_with_what_is_known(governed: System, script: list[Callable[[], object]]) -> None:
    """And says that it is not over."""
    action = governed.propose()
    script += [lambda: None]

    said = governed("story", action, "-f")

    assert "outcome verdict.given: approved retrain" in said
    assert "it is not over" in governed.stderr


def test_another_action_does_not_end_it(governed: System, script: list[Callable[[], object]]) -> None:
    """It is of another story."""
    action = governed.propose()
    script += [lambda: settle(governed, "/another#1.0")]

    *_, end = governed.json("story", action, "--follow")

    assert end["is_over"] is False


def test_a_model_without_a_story_is_waited_for(
    governed: System, script: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is no error but where nobody follows."""
    governed("story", "team/m", code=3)
    monkeypatch.setattr("homeostat_tools.cli.story_following.time.sleep", lambda _: governed.propose())
    script += [lambda: None]

    *_, end = governed.json("story", "team/m", "--follow")

    assert end["story"].endswith("#1.0")
    assert "waiting" in governed.stderr
