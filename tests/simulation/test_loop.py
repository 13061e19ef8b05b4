"""The whole loop on a seeded in-memory log, with crashes at any record, half-written steps, and repeats at the doors.

Whatever happens on the way, the law holds; and every decision can be derived again from the logs.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from homeostat.codec import Output, Record, decode_event
from homeostat.core import Event
from homeostat.demo.memory_loop import InMemory, folds, in_memory
from homeostat.demo.proof import prove
from homeostat.events import (
    ActionApplied,
    ActionFailed,
    ActionProposed,
    ActionSettled,
    BrakeReleased,
    BrakeSet,
    Command,
    MetaTrainingStart,
    RetrainStart,
    RolloutAbort,
    RolloutPromote,
    RolloutRevert,
    RolloutSet,
    ThresholdSet,
    VerdictGiven,
)
from homeostat.events.logs import EXPERIENCE, GOVERNANCE, GOVERNANCE_KEY, POLICIES, REPORTS, TELEMETRY, VERDICTS
from homeostat.host import MemoryHost, ReplayReport
from homeostat.testing.rehearsal import Rehearsal
from homeostat.testing.simulator import Crash

SEEDS = (53, 76, 111, 138)
"""Worlds in which every station drifts early; and what goes wrong on the way."""

ROUNDS = 70
CRASH_SHARE = 0.004
"""Of the records folded: some ten crashes in a run."""
SNAPSHOT_SHARE = 0.03
FUSE_SHARE = 0.3
"""Of the crashes: in the middle of a step's outputs."""

EFFECTS = (RetrainStart, RolloutSet, RolloutPromote, ThresholdSet, MetaTrainingStart)
"""Commands that a freeze must hold back."""


class CrashingHost(MemoryHost):
    """A host whose process dies now and then: after a record, or between two outputs of one.

    Args:
        host: Whose place it takes.
        chance: Seeded.
    """

    def __init__(self, host: MemoryHost, chance: random.Random) -> None:
        self._fuse: int | None = None
        self._chance, self._sign, self.n_crashes = chance, host.seal, 0
        super().__init__(host.log, host.fold, self._burn)

    def _burn(self, output: Output) -> Output:
        if self._fuse is not None:
            self._fuse -= 1
            if self._fuse < 0:
                raise Crash
        return self._sign(output) if self._sign else output

    def run(self) -> int:
        """Fold everything that is there, however often it takes."""
        n = 0
        for partition in range(len(self.assignments)):
            while (record := self._next(partition)) is not None:
                n += 1
                try:
                    self._fold(partition, record)
                except Crash:
                    self.n_crashes += 1
                    self._fuse = None
                    self.assignments[partition] = self.assign(partition)
        return n

    def _next(self, partition: int) -> Record | None:
        return self.log.read(self.fold.log, partition, self.assignments[partition].position)

    def _fold(self, partition: int, record: Record) -> None:
        dies = self._chance.random() < CRASH_SHARE
        if dies and self._chance.random() < FUSE_SHARE:
            self._fuse = self._chance.randint(0, 3)
        self.assignments[partition].process(record)
        if self._chance.random() < SNAPSHOT_SHARE:
            self.assignments[partition].snapshot()  # torn, if the fuse burns down in it
        if dies:
            raise Crash


@dataclass(slots=True)
class Said:
    """One thing the governor heard or said, in the order of the law.

    Args:
        order: Offset on governance and ordinal; -1 for what was heard.
        event: What.
    """

    order: tuple[int, int]
    event: Event


@dataclass(slots=True)
class Run:
    """A finished run.

    Args:
        system: As it is at the end.
        law: Everything the governor heard and said.
        report: Every decision derived again.
        n_crashes: Of all folds.
        overdrawn: Rounds after which a budget was exceeded, with the budget.
    """

    system: InMemory
    law: list[Said]
    report: ReplayReport
    n_crashes: int
    overdrawn: list[Any]

    def said(self, *types: type) -> Iterator[Said]:
        """Utterances with a payload of these types."""
        return (said for said in self.law if isinstance(said.event.data, types))


@cache
def run(seed: int) -> Run:
    """Play a world with faults; the seed fixes both."""
    chance, overdrawn = random.Random(seed), []
    with in_memory() as system:
        hosts = [CrashingHost(host, chance) for host in system.loop.hosts]
        system.loop.hosts = list(hosts)
        rehearsal = Rehearsal(system, seed, rounds=ROUNDS)

        def disturb(index: int) -> None:
            repeat(system, chance)
            overdrawn.extend(over_budget(hosts[-1]))

        rehearsal.play(disturb)
        report = prove(system, folds())
        return Run(system, law(system), report, sum(host.n_crashes for host in hosts), overdrawn)


def repeat(system: InMemory, chance: random.Random) -> None:
    """Somebody sends again what they have sent before."""
    topic = chance.choice((TELEMETRY, REPORTS))
    records = system.records(topic)[-40:]
    for record in chance.sample(records, min(2, len(records))):
        system.log.append(Output(topic, record.partition, record.key or b"", record.value, record.headers))


def over_budget(governor: MemoryHost) -> list[Any]:
    """Budgets of which more is spent or promised than there is."""
    state = governor.assignments[0].states.get(GOVERNANCE_KEY)
    budgets = state.budgets.items() if state is not None else ()
    return [(scope, b) for scope, b in budgets if b.spent + b.reserved > b.money + 1e-9]


def law(system: InMemory) -> list[Said]:
    """What the governor heard and said, without repeats, in one order."""
    found: dict[str, Said] = {}
    for topic in (GOVERNANCE, VERDICTS, EXPERIENCE, *POLICIES):
        for record in system.records(topic):
            event = decode_event(record, time=record.timestamp, emitter="", is_door=False)
            if topic == GOVERNANCE:
                found.setdefault(event.identity, Said((record.offset, -1), event))
            elif event.source.startswith("/homeostat/governor/"):
                offset, _, ordinal = event.id.partition(".")
                found.setdefault(event.identity, Said((int(offset), int(ordinal)), event))
    return sorted(found.values(), key=lambda said: said.order)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_run_is_worth_looking_at(seed: int) -> None:
    """Processes died, actions were approved and denied, candidates were promoted or aborted, a freeze came and went."""
    played = run(seed)

    verdicts = {said.event.data.verdict for said in played.said(VerdictGiven)}  # type: ignore[attr-defined]  # selected
    assert played.n_crashes >= 5
    assert {"approved", "denied", "held", "expired"} <= verdicts
    assert len(list(played.said(RetrainStart))) >= 2
    assert len(list(played.said(RolloutPromote, RolloutAbort))) >= 2
    assert list(played.said(BrakeSet))
    assert list(played.said(BrakeReleased))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_decision_is_derived_again(seed: int) -> None:
    """Byte for byte, in spite of all crashes and repeats."""
    report = run(seed).report

    assert report.differences == ()
    assert report.n_derived == report.n_equal > 500


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_done_without_an_approval(seed: int) -> None:
    """Every command but a person's revert names a verdict that approved its action before."""
    approved: dict[str, str] = {}

    for said in run(seed).law:
        data = said.event.data
        if isinstance(data, VerdictGiven) and data.verdict == "approved":
            approved[said.event.identity] = data.action
        elif isinstance(data, Command) and not isinstance(data, RolloutRevert):
            assert approved[data.verdict] == data.action


@pytest.mark.parametrize("seed", SEEDS)
def test_one_rollout_at_a_time_for_a_model(seed: int) -> None:
    """Between an action's approval and its end no other one that changes what the model serves is approved."""
    open_: dict[str, str] = {}
    played = run(seed)

    for said in played.said(VerdictGiven, ActionSettled):
        data: Any = said.event.data
        if data.kind not in ("retrain", "rollout"):
            continue
        if getattr(data, "verdict", "") == "approved":
            assert data.model not in open_ or open_[data.model] == data.action
            if not skips(played, data.action):
                open_[data.model] = data.action
        elif getattr(data, "verdict", "expired") == "expired" and open_.get(data.model) == data.action:
            del open_[data.model]


def skips(played: Run, action: str) -> bool:
    """Whether the action is to do nothing: it ends with its approval."""
    proposals = [said.event.data for said in played.said(ActionProposed) if said.event.identity == action]
    return any(p.chosen == "skip" and not p.shadows for p in proposals if isinstance(p, ActionProposed))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_more_money_is_spent_or_promised_than_there_is(seed: int) -> None:
    """After every round, in every scope."""
    assert run(seed).overdrawn == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_freeze_dominates(seed: int) -> None:
    """From the brake to its release nothing is started, set or promoted in the scope; aborts and reverts pass."""
    frozen: set[str] = set()

    for said in run(seed).law:
        data = said.event.data
        if isinstance(data, BrakeSet):
            frozen.add(data.scope)
        elif isinstance(data, BrakeReleased):
            frozen.discard(data.scope)
        elif isinstance(data, EFFECTS):
            assert not frozen & {"*", data.family.partition("/")[0]}, said.event.identity


@pytest.mark.parametrize("seed", SEEDS)
def test_every_approved_action_ends(seed: int) -> None:
    """It is applied, settled or fails, or expires; at the end nothing is in flight and nothing reserved."""
    played = run(seed)

    ended = {said.event.data.action for said in played.said(ActionSettled, ActionFailed)}  # type: ignore[attr-defined]  # selected
    for said in played.said(ActionApplied, VerdictGiven):
        data: Any = said.event.data
        if getattr(data, "verdict", "") == "expired" or (isinstance(data, ActionApplied) and data.kind == "threshold"):
            ended.add(data.action)
    for said in played.said(VerdictGiven):
        data = said.event.data
        assert data.verdict != "approved" or data.action in ended or skips(played, data.action), data.action
    state: Any = played.system.loop.hosts[-1].assignments[0].states[GOVERNANCE_KEY]
    assert state.actions == {}
    assert all(budget.reserved == pytest.approx(0.0, abs=1e-9) for budget in state.budgets.values())
