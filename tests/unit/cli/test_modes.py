"""A scope observes or acts, by a signed word."""

from pathlib import Path

import pytest
from tests.support.proving import ProvenSystem

from homeostat.codec import decode_event
from homeostat.events import VerdictGiven
from homeostat.events.logs import GOVERNANCE, VERDICTS


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenSystem:
    """A system with a model, whose scopes begin by observing."""
    monkeypatch.setenv("HOMEOSTAT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr("homeostat_tools.cli.responses._SETTLE_SECONDS", 0.0)  # nothing is on its way
    made = ProvenSystem(tmp_path)
    made("keys", "create", "operator")
    made.register()
    assert "* observes" in made("observe", "*")
    return made


def verdict(system: ProvenSystem) -> VerdictGiven:
    """On the newest proposal."""
    system.propose(number=len(list(system.log.all(GOVERNANCE))))
    events = [decode_event(record, time=0, emitter="", is_door=False).data for record in system.log.all(VERDICTS)]
    return [data for data in events if isinstance(data, VerdictGiven)][-1]


def test_a_scope_observes_until_somebody_lets_it_act(system: ProvenSystem) -> None:
    """What it would do is in the verdict, with the command that lets it; and back."""
    (failed,) = [result for result in verdict(system).rules if not result.passed]
    assert (failed.rule, failed.value) == ("observe", "observe")
    assert "homeostat act team" in failed.reason

    assert "team acts" in system("act", "team")
    given = verdict(system)
    assert [result.reason for result in given.rules if not result.passed] == []
    assert given.verdict == "approved"
