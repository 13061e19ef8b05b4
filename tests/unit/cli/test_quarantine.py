"""What was refused is kept, shown, and put back once."""

import json
import time
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.client.errors import DeliveryFailed
from homeostat.events import EventRefused
from homeostat.events.logs import QUARANTINE, TELEMETRY
from homeostat.runtime import refusals
from homeostat.runtime.settings import HostSettings
from homeostat_tools.cli.checks import operation
from homeostat_tools.cli.checks.check import Context

SIGNAL = '{"layer": "edge", "name": "t", "value": 3}'


def refused(system: System, model: str = "team/late") -> str:
    """Publish about a model that nobody knows; return the id of the refusal."""
    system("publish", "signal.observed", model, SIGNAL)
    return str(system.json("quarantine", "list", "--model", model)[-1]["id"])


def n_at_the_door(system: System, model: str = "team/late") -> int:
    return sum(record.key == model.encode() for record in system.log.all(TELEMETRY))


def test_quarantine_keeps_shows_and_returns(governed: System) -> None:
    """What was refused is listed with its reason, and goes back verbatim with one more attempt."""
    id_ = refused(governed)
    (row,) = governed.json("quarantine", "list", "--why", "model_unregistered")
    assert "quarantine" not in row["from"]
    (shown,) = governed.json("quarantine", "show", id_)
    assert json.loads(shown["value"])["name"] == "t"
    governed("quarantine", "replay", id_, "--dry-run")
    assert len(governed.json("quarantine", "list")) == 1

    governed("quarantine", "replay", id_)
    assert [again["attempts"] for again in governed.json("quarantine", "list")] == [0, 1]

    governed.register("team/late")
    governed("quarantine", "replay", "--model", "team/late")
    assert governed.json("tail", "timeline", "-s", "team/late", "-t", "signal.observed")
    governed("quarantine", "replay", code=2)


def test_what_was_put_back_is_marked_and_left_alone(governed: System) -> None:
    """By id, by filter or with --all: a second time only with --force; the list and the record say when it was done."""
    id_ = refused(governed)
    governed.register("team/late")
    before = n_at_the_door(governed)
    assert governed.json("quarantine", "list")[0]["replayed"] is None

    assert len(governed.json("quarantine", "replay", "--all")) == 1
    for again in ((id_,), ("--all",), ("--why", "model_unregistered"), ("--model", "team/late"), (id_, "--dry-run")):
        assert governed.json("quarantine", "replay", *again) == []
        assert "--force" in governed.stderr

    assert n_at_the_door(governed) == before + 1
    assert governed.json("quarantine", "list")[0]["replayed"]
    assert governed.json("quarantine", "show", id_)[0]["replayed"]
    governed("quarantine", "list")
    assert "1 of them replayed" in governed.stderr

    assert len(governed.json("quarantine", "replay", id_, "--force")) == 1
    assert n_at_the_door(governed) == before + 2


def test_what_held_personal_data_is_understood_and_not_put_back(governed: System) -> None:
    """It is listed with its reason; `show` names the field and its digest; `replay` says why it stays, with --force."""
    governed("publish", "deployment.observed", "team/late", '{"version": "v2", "reason": "ask jo@example.com"}')
    (row,) = governed.json("quarantine", "list", "--model", "team/late")

    (shown,) = governed.json("quarantine", "show", row["id"])
    assert "jo@example.com" not in str(shown)
    assert "ask [e-mail address " in shown["value"]
    assert list(shown["redacted"]) == ["reason"]
    governed("quarantine", "show", row["id"])
    assert f"redacted reason: {shown['redacted']['reason']}" in governed.stdout
    before = n_at_the_door(governed)

    for asked in ((row["id"],), ("--all", "--force"), ("--model", "team/late")):
        assert governed.json("quarantine", "replay", *asked) == []
        assert "only salted digests are kept (reason)" in governed.stderr

    assert n_at_the_door(governed) == before


def test_what_is_refused_again_may_go_back_again(governed: System) -> None:
    """The new refusal is another one: only what was put back itself is marked."""
    refused(governed)
    governed("quarantine", "replay", "--all")

    (again,) = governed.json("quarantine", "replay", "--all")

    assert again["attempt"] == 2
    assert [bool(row["replayed"]) for row in governed.json("quarantine", "list")] == [True, True, False]


def test_some_of_many_are_marked(governed: System) -> None:
    """The others go on waiting."""
    first = refused(governed, "team/a")
    refused(governed, "team/b")
    governed.register("team/a")
    governed.register("team/b")

    governed("quarantine", "replay", first)

    (rest,) = governed.json("quarantine", "replay", "--all")
    assert rest["key"] == "team/b"


def test_an_unknown_id_among_others_puts_nothing_back(governed: System) -> None:
    """Exit code 3 names it."""
    id_ = refused(governed)
    before = n_at_the_door(governed)

    governed("quarantine", "replay", id_, "telemetry-0-999", code=3)

    assert "telemetry-0-999" in governed.stderr
    assert n_at_the_door(governed) == before


def test_a_record_that_was_not_taken_is_not_marked(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker goes away between the record and its mark."""
    refused(governed)
    before = len(list(governed.log.all(QUARANTINE)))

    def flush() -> None:
        raise DeliveryFailed(1, "the broker is away")

    with monkeypatch.context() as patched:
        patched.setattr(governed.logs, "flush", flush)
        governed("quarantine", "replay", "--all", code=1)

    assert len(list(governed.log.all(QUARANTINE))) == before


def test_a_door_that_was_made_again_has_refusals_of_its_own(system: System) -> None:
    """The same partition and offset of another incarnation is another record."""
    data = EventRefused(
        reason="late", detail="", service="intake", log=TELEMETRY, partition=0, offset=7, key="YS9i", value="e30="
    )
    source = "/homeostat/intake.telemetry/homeostat.telemetry"
    system.log.publish(QUARANTINE, "a/b", data, id_="7.0", source=f"{source}/first/0")
    system("quarantine", "replay", "telemetry-0-7")
    system.log.publish(QUARANTINE, "a/b", data, id_="7.0", source=f"{source}/second/0")

    assert [bool(row["replayed"]) for row in system.json("quarantine", "list")[:2]] == [True, False]
    assert len(system.json("quarantine", "replay", "telemetry-0-7")) == 1


def test_a_record_that_was_refused_in_parts_goes_back_once(system: System) -> None:
    """Both parts are marked by it."""
    data = EventRefused(
        reason="late", detail="", service="intake", log=TELEMETRY, partition=0, offset=7, key="YS9i", value="e30="
    )
    for part in range(2):
        id_ = f"7.{part}"
        system.log.publish(QUARANTINE, "a/b", data, id_=id_, source="/homeostat/intake.telemetry/t/id/0")

    assert len(system.json("quarantine", "replay", "--all")) == 1
    assert [bool(row["replayed"]) for row in system.json("quarantine", "list", "--why", "late")] == [True, True]


def test_a_stranger_in_the_quarantine_breaks_nothing(governed: System) -> None:
    """What cannot be read is passed over."""
    refused(governed)
    governed("publish", "signal.observed", "team/late", SIGNAL, "--log", "quarantine")

    assert len(governed.json("quarantine", "list")) == 1


def test_what_a_flood_has_left_out_is_said(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a source that sends little else a sample is kept: whoever looks at it learns how many it stands for."""
    monkeypatch.setattr(refusals, "FREE", 2)
    monkeypatch.setattr(refusals, "EVERY", 3)
    governed.log.now = int(time.time() * 1000)
    for _ in range(8):
        refused(governed)

    said = "4 more from the same sources were refused and not kept"
    assert [row["left_out"] for row in governed.json("quarantine", "list")] == [0, 0, 2, 2]
    assert said in governed.stderr
    governed("quarantine", "replay", "--all", "--dry-run")
    assert said in governed.stderr
    (check,) = operation.quarantine(Context(Path(), HostSettings(), governed.logs, is_local=False))
    assert said in check.detail
