"""Answers of the governor are heard in whatever order the partitions are read."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.unit.cli.system import System

from homeostat.audit import keys
from homeostat.client.logs import Place
from homeostat.client.memory import MemoryFollower
from homeostat.codec import Record
from homeostat.events.logs import GOVERNANCE
from homeostat.runtime.memory import MemoryLog


class UnorderedFollower(MemoryFollower):
    """Every poll reads some partitions, in any order: what a broker promises."""

    def __init__(self, log: MemoryLog, start: Mapping[Place, int], rng: random.Random) -> None:
        super().__init__(log, start)
        self._rng = rng

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what some partitions have."""
        everything = self._positions
        places = [place for place in everything if self._rng.random() < 0.3]
        self._rng.shuffle(places)
        self._positions = {place: everything[place] for place in places}
        found = super().poll(0.0)
        self._positions = everything | self._positions
        return found


class GovernanceLast(MemoryFollower):
    """Governance is read once everything else has been."""

    n_polls = 0

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """Return what has come, of governance only from the fourth time on."""
        self.n_polls += 1
        everything = self._positions
        is_governance_late = self.n_polls < 4
        self._positions = {
            place: position
            for place, position in everything.items()
            if (place[0] == GOVERNANCE) is not is_governance_late
        }
        found = super().poll(0.0)
        self._positions = everything | self._positions
        return found


@pytest.fixture
def governed(system: System) -> System:
    """With an admin's key, and a model whose actions wait for people."""
    system("keys", "create", "operator")
    system.register(tier="high")
    return system


def unordered(system: System, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(system.logs, "follow", lambda start: UnorderedFollower(system.log, start, rng))


@pytest.mark.parametrize("seed", range(50))
def test_a_verdict_is_heard_in_any_order(governed: System, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Approved and denied, each at once, with the code of what came of it."""
    unordered(governed, monkeypatch, seed)
    for number, (command, says) in enumerate([("approve", "approved"), ("deny", "denied")]):
        governed.register(f"team/{command}", tier="high")
        action = governed.propose(f"team/{command}", number + 1)

        assert says in governed(command, action)


@pytest.mark.parametrize("seed", range(10))
def test_every_other_answer_too(governed: System, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Brakes, releases, refusals, and requests that have no answer."""
    unordered(governed, monkeypatch, seed)
    keys.create(governed.folder / "keys", "stranger")

    governed("freeze", "team")
    governed("unfreeze", "team")
    governed("budget", "team", "5")
    governed("revert", "team/m", code=4)
    assert "nothing_to_revert" in governed.stderr
    governed("budget", "team", "6", "--key", "stranger", code=4)
    assert "key_unknown" in governed.stderr


def test_an_answer_before_its_request_is_kept(governed: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Governance is the last partition to be read."""
    monkeypatch.setattr(governed.logs, "follow", lambda start: GovernanceLast(governed.log, start))

    assert "approved" in governed("approve", governed.propose())


def test_the_first_word_of_an_emergency_asks_for_a_second(governed: System) -> None:
    """The governor takes note and says nothing; the command does not say that nothing came."""
    for name in ("ana", "bob"):
        governed("keys", "create", name, "--role", "approver", "--by", "operator")
    action = governed.propose()

    governed("approve", action, "--emergency", "--key", "ana", code=5)
    assert "a second person" in governed.stderr

    assert "approved" in governed("approve", action, "--emergency", "--key", "bob")


def test_an_ending_that_several_actions_have_is_named(governed: System, tmp_path: Path) -> None:
    """A usage error with the candidates; a whole identity is never ambiguous, and an empty one means nothing."""
    governed.register("team/n", tier="high")
    first, second = governed.propose(number=1), governed.propose("team/n", number=11)

    governed("approve", "1.0", code=2)
    assert first in governed.stderr
    assert second in governed.stderr
    governed("deny", "", code=2)
    assert "approved" in governed("approve", first)
