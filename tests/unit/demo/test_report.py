"""What a run is scored by: every change of what serves, whoever asked for it, and every decision."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.core.identity import emit_id
from homeostat.events import (
    Arm,
    Candidate,
    CandidateEvaluated,
    ModelRegistered,
    Range,
    RetrainProposed,
    RolloutRequested,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE
from homeostat.runtime.memory import MemoryLog
from homeostat_lab.demo import evaluation, report
from homeostat_lab.demo.fleet import VERSION, subject
from homeostat_lab.demo.network import install
from homeostat_lab.demo.play import encode
from homeostat_lab.demo.scoring import HARMFUL_LOSS
from homeostat_lab.demo.world import World

N_EVENTS = 120


class Logged:
    """Logs and artifacts of a run."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.artifacts: dict[str, bytes] = {}
        self.store = SimpleNamespace(get=self.artifacts.__getitem__)

    def records(self, topic: str) -> list[Any]:
        """Everything that lies in a log."""
        return list(self.log.all(topic))

    def keep(self, name: str, content: bytes) -> str:
        """Store an artifact under a digest that tests can read."""
        digest = name.encode().hex().ljust(64, "0")[:64]
        self.artifacts[digest] = content
        return digest

    def say(self, topic: str, key: str, data: Any, number: int) -> None:
        """Something that was said."""
        self.log.publish(topic, key, data, id_=emit_id(number), source="/homeostat/test/x")


@pytest.fixture(scope="module")
def world() -> World:
    """A small one."""
    return World(0, 3, N_EVENTS)


def test_a_poisoned_candidate_that_got_through_is_a_harmful_promotion(world: World) -> None:
    """Asked for by hand or not: it served, and it lost."""
    logged, history = Logged(), world.history(0)
    good = install(history.x, history.y, seed=0)
    bad = {name: value * 0.0 for name, value in good.items()}
    registered = ModelRegistered(
        family="cameras", champion=VERSION, artifact=logged.keep("good", encode(good)), model=subject(0)
    )
    candidate = Candidate(arm="manual", version="poisoned", artifact=logged.keep("bad", encode(bad)))
    requested = RolloutRequested(
        family="hall/cameras",
        model=subject(0),
        champion=VERSION,
        chosen="manual",
        candidates=(candidate,),
    )
    logged.say(GOVERNANCE, "hall", registered, 1)
    logged.say(GOVERNANCE, "hall", requested, 2)
    champions = [[VERSION] * 50 + ["poisoned"] * (N_EVENTS - 50), [VERSION] * N_EVENTS, [VERSION] * N_EVENTS]
    fleet: Any = SimpleNamespace(champions=champions, world=world)

    (found,) = report.promotions(fleet, logged)  # type: ignore[arg-type]  # the part of a system that is read

    assert (found.station, found.index) == (0, 50)
    assert found.gain < -HARMFUL_LOSS


def decisions(logged: Logged, payoffs: Iterator[tuple[float, float | None]]) -> None:
    """Proposals of `warm`, with its payoff and that of the rule's arm where it was scored."""
    window = Range(log="l", subject="h/m", source="/s", first="1.0", last="2.0", from_time=0, rows=1)
    for number, (own, baseline) in enumerate(payoffs, 1):
        proposal = RetrainProposed(
            family="h/f",
            model="h/m",
            champion="v1",
            chosen="warm",
            baseline="full",
            arms=(Arm(name="warm"), Arm(name="full")),
            window=window,
        )
        logged.say(GOVERNANCE, "h", proposal, number)
        action = f"/homeostat/test/x#{number}.0"
        for arm, payoff in (("warm", own), ("full", baseline)):
            if payoff is not None:
                scored = CandidateEvaluated(
                    action=action,
                    model="h/m",
                    arm=arm,
                    version="v2",
                    payoff=payoff,
                    standard_error=0.1,
                    n_labels=1,
                    seconds=1.0,
                )
                logged.say(EXPERIENCE, "h/f", scored, 1000 * number + (arm == "full"))


def test_decisions_that_cannot_be_compared_are_counted() -> None:
    """The rule's arm was not scored there: they are left out, and it is known how many they are."""
    logged = Logged()
    decisions(logged, iter([(0.5, 0.25), (0.5, None), (0.25, 0.5)]))

    gains, n_left_out = evaluation.gains_of(logged)  # type: ignore[arg-type]  # as above

    assert gains == pytest.approx([0.25, -0.25])
    assert n_left_out == 1
    assert evaluation.curve(gains) == pytest.approx({"decisions 1-25": 0.0})
