"""What nobody knows is not frozen by mistake; one model can be; and the lifting says what still holds."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.events import BrakeSet
from homeostat.events.logs import POLICY_RETRAIN, REQUESTS


def n_requests(system: System) -> int:
    return len(list(system.log.all(REQUESTS)))


def brakes(system: System) -> set[str]:
    """Scopes of the brakes that were given."""
    records = [r for r in system.log.all(POLICY_RETRAIN) if dict(r.headers)["ce_type"] == BrakeSet.TYPE.encode()]
    return {json.loads(record.value or b"")["scope"] for record in records}


@pytest.mark.parametrize(
    ("name", "says"),
    [("tema", "the scope tema; there are team"), ("team/x", "the model team/x; there are team/m"), ("x/m", "x/m")],
)
def test_what_nobody_knows_is_not_frozen(governed: System, name: str, says: str) -> None:
    """Nothing is sent; the message names what is close, and the way to do it all the same."""
    before = n_requests(governed)

    governed("freeze", name, code=3)

    assert says in governed.stderr
    assert "--force" in governed.stderr
    assert n_requests(governed) == before
    governed("freeze", name, "--force")
    assert brakes(governed) == {name}


def test_a_freeze_makes_no_scope_known(governed: System) -> None:
    """The second mistake is asked about too."""
    governed("freeze", "tema", "--force")

    governed("freeze", "tema", code=3)


@pytest.mark.parametrize("command", [("budget", "new", "5"), ("apply", "law.toml")])
def test_what_has_been_spoken_of_is_known(governed: System, tmp_path: Path, command: tuple[str, ...]) -> None:
    """A scope may have rules or money before it has a model."""
    law = tmp_path / "law.toml"
    law.write_text("[scopes.new]\nowner = 'ana'\n")

    governed(*[str(law) if word == "law.toml" else word for word in command])

    governed("freeze", "new")


def test_everything_can_always_be_frozen(system: System) -> None:
    """Before there is any model."""
    system("keys", "create", "operator")

    system("freeze", "*")

    assert brakes(system) == {"*"}


def test_on_a_terminal_it_asks(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A yes freezes, a no does not."""
    monkeypatch.setattr("homeostat_tools.cli.freezes._is_asked", lambda: True)

    governed("freeze", "tema", code=3, stdin="n\n")
    assert brakes(governed) == set()

    governed("freeze", "tema", stdin="y\n")
    assert brakes(governed) == {"tema"}


def test_one_model_is_frozen(governed: System) -> None:
    """Proposals about it are denied, those about another go on; `why` says that it is the model."""
    governed.register("team/n")
    governed("freeze", "team/m")

    governed.propose("team/m", 1)
    governed.propose("team/n", 2)

    said = {e["data"]["model"]: e["data"]["verdict"] for e in governed.json("tail", "verdicts")}
    assert said == {"team/m": "denied", "team/n": "approved"}
    assert brakes(governed) == {"team/m"}
    (answer,) = governed.json("why", "team/m")
    assert answer["because"] == "it is frozen"
    assert "homeostat unfreeze team/m" in answer["facts"]["freeze"]
    assert governed.json("why", "team/n")[0]["facts"]["freeze"] == "none"


def test_lifting_says_what_still_holds(governed: System) -> None:
    """The freeze of a scope outlasts that of its model, and a lift of what was not frozen says so."""
    governed("freeze", "team")
    governed("freeze", "team/m")

    governed("unfreeze", "team/m")
    assert "homeostat unfreeze team" in governed.stderr

    governed("unfreeze", "other")
    assert "other was not frozen; frozen are team" in governed.stderr


def test_a_refused_lift_lifts_nothing(governed: System) -> None:
    """And a refused freeze is none."""
    governed("keys", "register", "operator")
    governed("keys", "create", "ana", "--role", "approver", "--by", "operator")
    governed("freeze", "team", "--key", "ana", code=4)

    assert governed.json("why", "team/m")[0]["facts"]["freeze"] == "none"
    governed("unfreeze", "team")
    assert "team was not frozen" in governed.stderr
